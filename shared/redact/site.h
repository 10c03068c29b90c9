/*
 * site: rules of the operator, from the *.yaml files of one folder, read in the order of their names:
 *
 *   rules:
 *     - {name: acme-token, label: ACME_TOKEN, keywords: [acme_], pattern: 'acme_[a-z0-9]{20}', nocase: false}
 *   disable: [stripe-key]
 *   allow:
 *     - {value: example-password, reason: the one in our handbook}
 *     - {pattern: 'test-[0-9]+', reason: fixtures}
 *
 * A pattern of a rule may begin up to RULE_MAX_BACK bytes before its keyword; group 1, where there is one, is what is
 * masked. What `allow` names is left, wherever it is all of a finding. The box's own values are never left.
 *
 * Thread: immutable once loaded.
 */
#ifndef RESCUE_SHARED_REDACT_SITE_H
#define RESCUE_SHARED_REDACT_SITE_H

#include "shared/redact/finding.h"
#include "shared/redact/rule.h"
#include "shared/status.h"

struct site;

/*
 * `dir` NULL, or a folder that does not exist: a site without rules. STATUS_INVALID names file, line and column;
 * STATUS_SYSTEM, STATUS_NO_MEMORY.
 */
enum status site_load(const char *dir, struct site **ret_site, struct err *err);
void site_free(struct site *site);

/* Its rules, in order; borrowed. */
size_t site_rule_count(const struct site *site);
const struct rule *site_rule(const struct site *site, size_t index);

/* Whether the site switched this rule or finder off. */
bool site_disables(const struct site *site, const char *rule);

/* Whether a finding of this text is to be left. `ret_allowed` is set on STATUS_OK; else STATUS_WITHHELD or _NO_MEMORY. */
enum status site_allows(const struct site *site, struct span text, const struct finding *finding, bool *ret_allowed);

#endif

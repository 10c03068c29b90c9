/*
 * ruleset: the rules that a redactor works with, their keywords in one prefilter, their patterns compiled when
 * they are first needed (a box that never shows a keyword never pays for its pattern).
 *
 * Thread: filled by one thread, then shared; patterns compiled later are published atomically.
 */
#ifndef RESCUE_SHARED_REDACT_RULESET_H
#define RESCUE_SHARED_REDACT_RULESET_H

#include "shared/redact/pattern.h"
#include "shared/redact/prefilter.h"
#include "shared/redact/rule.h"
#include "shared/redact/site.h"

/* What a keyword of the prefilter is for. */
enum ruleset_hit {
	RULESET_RULE, /* ruleset_index() says which */
	RULESET_NAME, /* a name that could be a secret's */
	RULESET_BEGIN,
	RULESET_END,
	RULESET_URL,
	RULESET_KIND,   /* of a Kubernetes object */
	RULESET_COLOUR, /* an escape sequence that is written out: \x1b[ */
	RULESET_ESCAPE, /* %XX or \u00XX of a sign that secrets are written with */
	RULESET_INSERT, /* the end of the list of columns in SQL */
	RULESET_DUMP,   /* the number at the start of a hexadecimal dump's line */
	RULESET_LINES,  /* a line that a value follows ends in a text in which ends of lines are written \n */
	RULESET_SIGN,   /* a blank, a colon or an equals sign beyond ASCII, or a sign of no width */
};

struct ruleset;

/* The site's rules and all built-in ones. NULL on out of memory. `site` is borrowed for as long as the set lives. */
struct ruleset *ruleset_new(const struct site *site);
const struct site *ruleset_site(const struct ruleset *set);
void ruleset_free(struct ruleset *set);

size_t ruleset_count(const struct ruleset *set);
const struct rule *ruleset_rule(const struct ruleset *set, size_t index);
const struct prefilter *ruleset_prefilter(const struct ruleset *set);

enum ruleset_hit ruleset_hit(uint32_t id);
size_t ruleset_index(uint32_t id);

/* Compiles it if this is its first use. STATUS_WITHHELD when that fails. Borrowed from the set. */
enum status ruleset_pattern(const struct ruleset *set, size_t index, const struct pattern **ret_pattern);

#endif

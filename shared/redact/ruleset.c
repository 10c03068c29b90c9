#include "shared/redact/ruleset.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "shared/redact/keyname.h"

enum { HIT_SHIFT = 24 };

typedef _Atomic(struct pattern *) pattern_slot;

struct ruleset {
	const struct site *site;
	struct prefilter *prefilter;
	const struct rule **rules;
	pattern_slot *patterns;
	size_t count;
};

static uint32_t make_id(enum ruleset_hit hit, size_t index)
{
	return (uint32_t)hit << HIT_SHIFT | (uint32_t)index;
}

enum ruleset_hit ruleset_hit(uint32_t id)
{
	return (enum ruleset_hit)(id >> HIT_SHIFT);
}

size_t ruleset_index(uint32_t id)
{
	return id & ((1U << HIT_SHIFT) - 1);
}

static enum status add_rule_keywords(struct ruleset *set, size_t index)
{
	const struct rule *rule = set->rules[index];
	enum status status = STATUS_OK;

	for (size_t i = 0; i < RULE_MAX_KEYWORDS && rule->keywords[i] != NULL && status == STATUS_OK; i++)
		status = prefilter_add(set->prefilter, span_cstr(rule->keywords[i]), rule->nocase,
		                       make_id(RULESET_RULE, index));
	return status;
}

enum { MAX_SPELLINGS = 40 };

/* What the finders look for that are no rules. Each spelling is handed to the finder whose hit it stands for. */
static const struct {
	enum ruleset_hit hit;
	bool nocase;
	const char *spellings[MAX_SPELLINGS]; /* NULL ends them */
} finders[] = {
	{ RULESET_BEGIN, false, { "BEGIN " } },
	{ RULESET_END, false, { "END " } },
	{ RULESET_URL, false, { "://" } },
	{ RULESET_KIND, false, { "kind: ", "kind\"", "kind\\\"" } },
	{ RULESET_DUMP, false, { "0000 ", "000: " } },
	{ RULESET_INSERT, true, { ") values", ")values", ")\nvalues", ")\\nvalues", ") from stdin" } },
	{ RULESET_COLOUR, true, { "\\u001b[", "\\x1b[", "\\033[", "\\e[" } },
	/* = : " @ _ and { as they are written in URLs, in HTML and by careful JSON writers; letters where all are escaped. */
	{ RULESET_ESCAPE, true,
	  { "%3d", "%3a", "%22", "%40", "%5f", "%7b", "%27", "%3e", "%253d", "%253a", "\\u003d", "\\u003a", "\\u0022",
	    "\\u0040", "\\u004", "\\u005", "\\u006", "\\u007", "\\u002d", "\\x22", "\\x61", "\\x65", "\\x6f", "\\x70",
	    "\\x73", "\\x74", "&quot;", "&lt;/", "&#34;", "&#x", "&#1", "&#6", "&#7", "&#8", "&#9" } },
	{ RULESET_LINES, false, { ":\\n", "|\\n", "|-\\n", ">-\\n", ":\\\\n", "|\\\\n", ":#012", "|#012" } },
	{ RULESET_SIGN, false,
	  { "\xC2\xA0:", "\xC2\xA0= ", "\xC2\xA0=\xC2", ":\xC2\xA0", " =\xC2\xA0", "d=\xC2\xA0", "\xE2\x80\x8B",
	    "\xE2\x80\x8C", "\xE2\x80\x8D", "\xE2\x81\xA0", "\xEF\xBB\xBF", "\xEF\xBC\x9A", "\xEF\xBC\x9D" } },
};

static enum status add_keywords(struct ruleset *set)
{
	const char *const *stem = keyname_stems();
	enum status status = STATUS_OK;

	for (size_t i = 0; stem[i] != NULL && status == STATUS_OK; i++)
		status = prefilter_add(set->prefilter, span_cstr(stem[i]), true, make_id(RULESET_NAME, i));
	for (size_t i = 0; i < set->count && status == STATUS_OK; i++)
		status = add_rule_keywords(set, i);
	for (size_t i = 0; i < sizeof finders / sizeof *finders; i++) {
		for (size_t k = 0; k < MAX_SPELLINGS && finders[i].spellings[k] != NULL && status == STATUS_OK; k++)
			status = prefilter_add(set->prefilter, span_cstr(finders[i].spellings[k]), finders[i].nocase,
			                       make_id(finders[i].hit, k));
	}
	return status;
}

struct ruleset *ruleset_new(const struct site *site)
{
	struct ruleset *set = calloc(1, sizeof *set);
	size_t own = site_rule_count(site), count = own + rule_count;

	if (set == NULL)
		return NULL;
	set->prefilter = prefilter_new();
	set->site = site;
	set->rules = calloc(count, sizeof *set->rules);
	set->patterns = calloc(count, sizeof *set->patterns);
	if (set->prefilter == NULL || set->rules == NULL || set->patterns == NULL)
		goto fail;
	for (size_t i = 0; i < count; i++) {
		const struct rule *rule = i < own ? site_rule(site, i) : &rule_table[i - own];

		/* What is switched off costs nothing either. */
		if (!site_disables(site, rule->name))
			set->rules[set->count++] = rule;
	}
	if (add_keywords(set) == STATUS_OK)
		return set;
fail:
	ruleset_free(set);
	return NULL;
}

void ruleset_free(struct ruleset *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < set->count; i++)
		pattern_free(atomic_load(&set->patterns[i]));
	prefilter_free(set->prefilter);
	free(set->patterns);
	free(set->rules);
	free(set);
}

const struct site *ruleset_site(const struct ruleset *set)
{
	return set->site;
}

size_t ruleset_count(const struct ruleset *set)
{
	return set->count;
}

const struct rule *ruleset_rule(const struct ruleset *set, size_t index)
{
	return set->rules[index];
}

const struct prefilter *ruleset_prefilter(const struct ruleset *set)
{
	return set->prefilter;
}

enum status ruleset_pattern(const struct ruleset *set, size_t index, const struct pattern **ret_pattern)
{
	pattern_slot *slot = &set->patterns[index];
	struct pattern *pattern = atomic_load_explicit(slot, memory_order_acquire);

	if (pattern == NULL) {
		struct pattern *made;
		const struct rule *rule = set->rules[index];

		if (pattern_new(rule->pattern, rule->back == 0, &made, NULL) != STATUS_OK)
			return STATUS_WITHHELD;
		/* Two threads may compile at once; the first one's pattern stays. */
		if (atomic_compare_exchange_strong(slot, &pattern, made))
			pattern = made;
		else
			pattern_free(made);
	}
	*ret_pattern = pattern;
	return STATUS_OK;
}

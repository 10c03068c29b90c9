#include "shared/redact/repeat.h"

#include "shared/redact/automaton.h"
#include "shared/redact/chars.h"
#include "shared/redact/value.h"

enum { MIN_VALUE = 8, MAX_VALUE = 256, MIN_INNER = 12 };

/* Names, expressions and numbers stand in a text for other reasons as well; of what people think up, passwords do not. */
static bool is_telling(struct span value, const char *label)
{
	struct char_counts counts = chars_count(value);

	if (value.len < MIN_VALUE || value.len > MAX_VALUE || counts.digits == 0 || counts.lower + counts.upper == 0)
		return false;
	for (size_t i = 0; i < value.len; i++) {
		if (is_space(value.ptr[i]) || memchr("()[]{}<>\"'`", value.ptr[i], 11) != NULL)
			return false;
	}
	return span_find(value, SPAN_LIT("://"), 0) == value.len &&
	       (value_is_random(value) || (strstr(label, "PASSWORD") != NULL && !value_is_identifier(value)));
}

struct search {
	struct span text;
	const struct findings *known;  /* one for each value */
	const struct findings *before; /* what was found already, in order */
	size_t next;                   /* the first of these that may reach to what is found now */
	struct findings found;
};

/* Most of what is found is where the value was taken from. */
static bool is_covered(struct search *search, size_t start, size_t end)
{
	const struct findings *before = search->before;

	while (search->next < before->count && before->items[search->next].end <= start)
		search->next++;
	return search->next < before->count && before->items[search->next].start <= start &&
	       end <= before->items[search->next].end;
}

/* A short value is not looked for inside of longer words. */
static void add_found(void *ctx, size_t start, size_t end, uint32_t id)
{
	struct search *search = ctx;
	bool is_inner = (start > 0 && is_alnum(search->text.ptr[start - 1])) ||
	                (end < search->text.len && is_alnum(search->text.ptr[end]));

	if ((!is_inner || end - start >= MIN_INNER) && !is_covered(search, start, end))
		findings_add(&search->found, (struct finding){ .start = start,
		                                               .end = end,
		                                               .rank = FINDING_BLOB,
		                                               .label = search->known->items[id].label,
		                                               .rule = "repeated-value" });
}

static enum status gather(struct span text, const struct findings *findings, struct automaton *automaton,
                          struct findings *known)
{
	enum status status = STATUS_OK;

	for (size_t i = 0; i < findings->count && known->count < REPEAT_MAX_VALUES && status == STATUS_OK; i++) {
		const struct finding *finding = &findings->items[i];
		struct span value = span_sub(text, finding->start, finding->end - finding->start);

		if (finding->rank < FINDING_SPOKEN || finding->rank > FINDING_KEY || !is_telling(value, finding->label) ||
		    automaton_holds(automaton, value))
			continue;
		status = automaton_add(automaton, value, (uint32_t)known->count);
		findings_add(known, *finding);
	}
	return status == STATUS_OK ? known->failed : status;
}

enum status repeat_find(struct span text, struct findings *findings)
{
	struct automaton *automaton = automaton_new();
	struct findings known = { 0 };
	struct search search = { .text = text, .known = &known, .before = findings };
	enum status status = STATUS_NO_MEMORY;

	if (automaton != NULL)
		status = gather(text, findings, automaton, &known);
	if (status == STATUS_OK && known.count > 0) {
		automaton_build(automaton);
		automaton_find_all(automaton, text, add_found, &search);
		status = search.found.failed;
	}
	if (status == STATUS_OK && search.found.count > 0) {
		for (size_t i = 0; i < search.found.count; i++)
			findings_add(findings, search.found.items[i]);
		findings_settle(findings);
		status = findings->failed;
	}
	findings_done(&search.found);
	findings_done(&known);
	automaton_free(automaton);
	return status;
}

#include "shared/redact/finding.h"

#include <stdbool.h>
#include <stdlib.h>

enum { FIRST_CAP = 16 };

void findings_done(struct findings *findings)
{
	free(findings->items);
	*findings = (struct findings){ 0 };
}

static enum status grow(struct findings *findings)
{
	size_t cap = findings->cap == 0 ? FIRST_CAP : findings->cap * 2;
	struct finding *items = reallocarray(findings->items, cap, sizeof *items);

	if (items == NULL)
		return STATUS_NO_MEMORY;
	findings->items = items;
	findings->cap = cap;
	return STATUS_OK;
}

void findings_add(struct findings *findings, struct finding finding)
{
	if (findings->failed != STATUS_OK || finding.start >= finding.end)
		return;
	if (findings->count == findings->cap)
		findings->failed = grow(findings);
	if (findings->failed == STATUS_OK)
		findings->items[findings->count++] = finding;
}

static int by_start(const void *left, const void *right)
{
	const struct finding *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->end < b->end ? -1 : a->end > b->end;
}

static bool in_order(const struct findings *findings)
{
	for (size_t i = 1; i < findings->count; i++) {
		if (by_start(&findings->items[i - 1], &findings->items[i]) > 0)
			return false;
	}
	return true;
}

/* Finders walk the text forwards, so that the list is nearly always in order and the sort is not needed. */
void findings_settle(struct findings *findings)
{
	size_t kept = 0;

	if (findings->count == 0)
		return;
	if (!in_order(findings))
		qsort(findings->items, findings->count, sizeof *findings->items, by_start);
	for (size_t i = 1; i < findings->count; i++) {
		struct finding *last = &findings->items[kept];
		const struct finding *next = &findings->items[i];

		if (next->start >= last->end) {
			findings->items[++kept] = *next;
			continue;
		}
		if (next->rank > last->rank) {
			last->rank = next->rank;
			last->label = next->label;
			last->rule = next->rule;
		}
		if (next->end > last->end)
			last->end = next->end;
	}
	findings->count = kept + 1;
}

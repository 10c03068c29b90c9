/*
 * loki_page: what Loki answered to query_range, read into records; and the entries of several pages put together.
 *
 * Loki gives one stream for each set of labels and structured metadata, so the entries of one bundle come scattered
 * over many; they are put in the order of their timestamps again. A bundle that was shipped twice under new
 * timestamps appears twice; sections.h takes each part once.
 * No I/O. Thread: one at a time.
 */
#ifndef RESCUE_SWEEPER_CTL_LOKI_PAGE_H
#define RESCUE_SWEEPER_CTL_LOKI_PAGE_H

#include "shared/jdoc.h"

struct loki_entry {
	int64_t ts_ns;       /* as Loki has it, not the box's clock */
	struct jdoc *record; /* owned */
};

struct loki_entries {
	struct loki_entry *items;
	size_t count, cap;
};

struct loki_page {
	size_t seen;       /* entries on it, whatever they hold: as many as asked for means that there may be more */
	size_t added;      /* of them not known before */
	size_t skipped;    /* not records of ours */
	int64_t oldest_ns; /* of all seen; INT64_MAX on an empty page */
};

/* Adds what `body` holds. STATUS_INVALID says what is not as Loki's answers are. */
enum status loki_page_read(struct span body, struct loki_entries *entries, struct loki_page *ret_page, struct err *err);

/*
 * The end (exclusive) of the next page's range when pages go from new to old: entries of the page's oldest
 * nanosecond may be on both sides of the cut, so it is asked for again, unless that brought nothing new.
 */
int64_t loki_page_next_end(const struct loki_page *page);

/* Oldest first; entries of one nanosecond stay as they came. */
void loki_entries_sort(struct loki_entries *entries);
void loki_entries_done(struct loki_entries *entries);

#endif

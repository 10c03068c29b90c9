/*
 * prefilter: one fast pass that finds every place where any of some hundred keywords stands, so that the slow
 * work is done only there.
 *
 * Three bytes at a time and, roughly, a fourth, all folded to lower case, are looked up in a table of flags; only where
 * a flag is up are the keywords compared. Of each keyword the bytes are entered that ordinary text holds least.
 *
 * Thread: immutable once it is filled.
 */
#ifndef RESCUE_SHARED_REDACT_PREFILTER_H
#define RESCUE_SHARED_REDACT_PREFILTER_H

#include "shared/span.h"
#include "shared/status.h"

enum { PREFILTER_MIN_KEYWORD = 3 };

struct prefilter;

/* NULL on out of memory. */
struct prefilter *prefilter_new(void);
void prefilter_free(struct prefilter *filter);

/*
 * Adds a keyword of at least PREFILTER_MIN_KEYWORD bytes; `id` is given back where it stands. `nocase`: ASCII
 * letters of either case. The text is borrowed for as long as the filter lives. STATUS_NO_MEMORY.
 */
enum status prefilter_add(struct prefilter *filter, struct span keyword, bool nocase, uint32_t id);

struct prefilter_cursor {
	size_t at;      /* where the keyword stands */
	size_t next;    /* the first byte that was not looked at */
	size_t block;   /* where the eight bytes begin of which `up` tells */
	unsigned up;    /* the flags that are up there and were not followed yet */
	size_t place;   /* of the flag that is being followed */
	uint32_t word;  /* what stands there */
	uint32_t entry; /* the next entry to compare there; 0: none */
};

/* Takes the next keyword in `text`. False at the end. Start with a zeroed cursor. */
bool prefilter_next(const struct prefilter *filter, struct span text, struct prefilter_cursor *cursor,
                    uint32_t *ret_id);

#endif

/*
 * mask: writes a text with its findings masked, and notes each in the receipt.
 *
 * Thread: any.
 */
#ifndef RESCUE_SHARED_REDACT_MASK_H
#define RESCUE_SHARED_REDACT_MASK_H

#include "shared/redact/clean.h"
#include "shared/redact/finding.h"

struct mask_job {
	struct span text;
	size_t from;        /* bytes before it are context: not written */
	size_t end;         /* bytes from it on are not written */
	size_t first_line;  /* the number of the line at `from`, for the receipt */
	const struct findings *findings; /* settled; none reaches over `end` */
	struct redact_tags *tags;        /* NULL: no numbers */
};

/* Appends to `out`, whose error sticks, and to the receipt of `clean`. STATUS_NO_MEMORY or what happened to `out`. */
enum status mask_write(const struct mask_job *job, struct clean_text *clean, struct buf *out);

#endif

/*
 * clean: how a clean_text is made. Only redact/ includes this; for everyone else the type stays closed.
 */
#ifndef RESCUE_SHARED_REDACT_CLEAN_H
#define RESCUE_SHARED_REDACT_CLEAN_H

#include "shared/redact/redact.h"

struct clean_text {
	struct buf bytes;
	struct redact_masking *maskings;
	size_t count;
	size_t cap;
};

/* NULL on out of memory. */
struct clean_text *clean_text_new(size_t max_bytes);

/* STATUS_NO_MEMORY. */
enum status clean_text_note(struct clean_text *text, struct redact_masking masking);

#endif

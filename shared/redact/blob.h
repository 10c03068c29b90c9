/*
 * blob: a run of characters that looks random although no name and no form says what it is. Digests, identifiers,
 * paths and what else a reader needs are none.
 *
 * Pure; thread: any.
 */
#ifndef RESCUE_SHARED_REDACT_BLOB_H
#define RESCUE_SHARED_REDACT_BLOB_H

#include "shared/span.h"

enum {
	BLOB_MIN = 40,       /* shorter runs are none */
	BLOB_MIN_PLAIN = 60, /* without one of the signs of base64 */
};

/* Whether [start, end) of `text`, all of it runs_is_member(), is one. */
bool blob_is_secret(struct span text, size_t start, size_t end);

#endif

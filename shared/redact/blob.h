/*
 * blob: a run of characters that looks random although no name and no form says what it is: base64 of something that
 * cannot be read, or a token of a kind that nobody told us about. Digests, identifiers, paths and what else a reader
 * needs are none.
 *
 * Pure; thread: any.
 */
#ifndef RESCUE_SHARED_REDACT_BLOB_H
#define RESCUE_SHARED_REDACT_BLOB_H

#include "shared/span.h"

/*
 * Whether there is one in [start, end) of `text`, all of which is runs_is_member(); *ret_start and *ret_end say where,
 * which is less than all of it when a token stands in a path.
 */
bool blob_find(struct span text, size_t start, size_t end, size_t *ret_start, size_t *ret_end);

#endif

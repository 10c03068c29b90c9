/*
 * bundle: reads a whole bundle (NDJSON) section by section, checking what a single record cannot show: verdict
 * first, parts complete and in order, one origin, sha256 right, counts within limits.
 *
 * No I/O. Thread: any.
 */
#ifndef RESCUE_PROTO_BUNDLE_H
#define RESCUE_PROTO_BUNDLE_H

#include "proto/record.h"

/* A section put together from its parts. Valid during the callback only. */
struct bundle_section {
	const struct record *first; /* the first part's fields */
	struct span content;        /* all parts joined */
};

/* Returns STATUS_OK to go on; anything else ends the reading and is passed on. */
typedef enum status bundle_each(void *ctx, const struct bundle_section *section, struct err *err);

/*
 * Calls `each` for every section, in order. STATUS_INVALID or STATUS_TOO_LARGE name the record's number (from 1)
 * and the reason. All sections seen before a failure have been given out already: collect, then act.
 */
enum status bundle_read(struct span ndjson, bundle_each *each, void *ctx, struct err *err);

#endif

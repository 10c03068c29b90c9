/*
 * unreachable: makes the absence of a bundle visible. When no agent came for an order in time, what it sent was
 * refused, or the row names no instance at all, one record says so and travels to the sinks like any other bundle.
 *
 * Thread: any; a struct unreachable is only read.
 */
#ifndef RESCUE_SWEEPER_SHIP_UNREACHABLE_H
#define RESCUE_SWEEPER_SHIP_UNREACHABLE_H

#include "shared/redact/redact.h"
#include "sweeper/ledger/ledger.h"

struct unreachable {
	const char *org;
	const struct redactor *redactor; /* NULL: the record says only that no agent came */
};

/* A ledger_make_record; `ctx` is a struct unreachable. Appends a bundle of one record, as gzip. */
enum status unreachable_make(void *ctx, const struct ledger_capture *capture, struct buf *ret_bundle_gzip);

/* Marks and stores all that are due now; *ret_count is how many. */
enum status unreachable_mark(struct unreachable *unreachable, struct ledger *ledger, int64_t *ret_count,
                             struct err *err);

#endif

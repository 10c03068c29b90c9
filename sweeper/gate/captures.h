/*
 * captures: a row of rescue.captures as JSON, for operators.
 *
 * Thread: any.
 */
#ifndef RESCUE_SWEEPER_GATE_CAPTURES_H
#define RESCUE_SWEEPER_GATE_CAPTURES_H

#include "shared/jdoc.h"
#include "sweeper/ledger/ledger.h"

/* NULL on out of memory. */
struct jdoc *captures_to_json(const char *org, const struct ledger_capture *capture);

/* Appends `"records":[…]` from a stored bundle (gzip NDJSON); an empty bundle gives an empty list. */
enum status captures_append_records(struct span bundle_gzip, struct buf *out);

#endif

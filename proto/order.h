/*
 * order: what the sweeper tells an agent: capture now. It carries no path and no command, since the agent alone
 * decides what may be collected.
 *
 *   {"capture_id":"…","workspace_id":"…","reason":"…","deadline_s":45,"grace_until":"2026-01-31T00:00:00Z",
 *    "ordered_at":"2026-01-30T00:00:00Z"}
 *
 * No I/O. Thread: any.
 */
#ifndef RESCUE_PROTO_ORDER_H
#define RESCUE_PROTO_ORDER_H

#include "shared/buf.h"
#include "shared/clock.h"

enum { CAPTURE_ID_SIZE = 37 }; /* a UUID and the NUL */

enum capture_reason { REASON_SWEEP, REASON_BOOTSTRAP };

struct order {
	char capture_id[CAPTURE_ID_SIZE];
	char workspace_id[LIMIT_WORKSPACE_ID + 1];
	enum capture_reason reason;
	int64_t deadline_s;      /* in 1…LIMIT_CAPTURE_DEADLINE_S */
	int64_t grace_until_ns;  /* real time */
	int64_t ordered_ns;      /* the sweeper's agreed time when it sent the order; 0: it did not say */
};

/* STATUS_INVALID names the field. Unknown fields are ignored, so that a newer sweeper may add some. */
enum status order_parse(struct span json, struct order *ret_order, struct err *err);
enum status order_format(const struct order *order, struct buf *out);

/* "provision_timeout_sweep", "bootstrap_watcher". */
const char *order_reason_name(enum capture_reason reason);
bool order_reason_parse(struct span name, enum capture_reason *ret_reason);

/* Lower-case canonical UUID text (RFC 9562 section 4). */
bool order_is_uuid(struct span text);

#endif

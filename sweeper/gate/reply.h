/*
 * reply: the JSON answers that every route shares: {"error":"…"} with its code.
 *
 * Thread: any for the bodies, the loop's for reply_error.
 */
#ifndef RESCUE_SWEEPER_GATE_REPLY_H
#define RESCUE_SWEEPER_GATE_REPLY_H

#include "sweeper/gate/conn.h"

/* Appends {"error":reason}; a reason that is not UTF-8 gives {}. */
void reply_error_body(const char *reason, struct buf *out);

/* Answers `conn`; 503 carries a Retry-After. */
void reply_error(struct conn *conn, int code, const char *reason);

/* 2 to 5 seconds, at random, so that those who were turned away together do not come back together. */
int64_t reply_retry_after_s(void);

#endif

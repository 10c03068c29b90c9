/*
 * loki_link: HTTP to one Loki over a kept connection: tenant header, credentials, pushes and queries.
 *
 * Credentials are read from their file for every request, so that a rotated one is used at once, and wiped
 * afterwards. Thread: one at a time.
 */
#ifndef RESCUE_SWEEPER_SHIP_LOKI_LINK_H
#define RESCUE_SWEEPER_SHIP_LOKI_LINK_H

#include "shared/buf.h"
#include "sweeper/config.h"

struct loki_link;

/* Keeps pointers into `config`. No I/O. */
enum status loki_link_new(const struct sink_config *config, struct loki_link **ret_link, struct err *err);
void loki_link_free(struct loki_link *link);

/*
 * One push or query and its answer, both bounded by LEASE_REQUEST_MS. STATUS_OK: *ret_code is the HTTP status and
 * `ret_body`, whose max is the cap, has the answer's text. STATUS_UNAVAILABLE, STATUS_TIMEOUT, STATUS_DENIED
 * (TLS), STATUS_STOPPED; STATUS_INVALID: a credentials file cannot be used, the words name it.
 */
enum status loki_link_push(struct loki_link *link, struct span body_gzip, int *ret_code, struct buf *ret_body,
                           struct err *err);

struct loki_range {
	int64_t start_ns; /* inclusive */
	int64_t end_ns;   /* exclusive */
};

/* Oldest first, at most `limit` entries. */
enum status loki_link_query(struct loki_link *link, struct span logql, const struct loki_range *range, int64_t limit,
                            int *ret_code, struct buf *ret_body, struct err *err);

#endif

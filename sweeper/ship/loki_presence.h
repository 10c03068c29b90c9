/*
 * loki_presence: asks Loki which records of some captures it has, and ticks them off in the cargos.
 *
 * The question is put so that only capture, section and part come back, never the content. It finds records with
 * and without structured metadata.
 * Thread: one at a time for each link.
 */
#ifndef RESCUE_SWEEPER_SHIP_LOKI_PRESENCE_H
#define RESCUE_SWEEPER_SHIP_LOKI_PRESENCE_H

#include "sweeper/ship/cargo.h"
#include "sweeper/ship/loki_link.h"

struct loki_presence {
	struct loki_link *link;
	const char *org;
};

enum { LOKI_QUERY_LIMIT = 5000 }; /* Loki's max_entries_limit_per_query */

/*
 * Sets is_stored of every entry that Loki has, and leaves the others as they are. Lost cargos are left out of the
 * question. STATUS_UNAVAILABLE and the other results of loki_link_query; any answer but 200 is STATUS_UNAVAILABLE.
 */
enum status loki_presence_ask(const struct loki_presence *presence, struct cargo **cargos, size_t count,
                              const struct loki_range *range, struct err *err);

/* The range in which entries of these cargos can be: `is_fresh` when none was ever pushed under other timestamps. */
struct loki_range loki_presence_range(struct cargo *const *cargos, size_t count, bool is_fresh);

/* Appends the question for these cargos in LogQL. */
void loki_presence_logql(const struct loki_presence *presence, struct cargo *const *cargos, size_t count,
                         struct buf *logql);

/*
 * Reads one answer: ticks off what it names; *ret_count is how many entries it had and *ret_last_ns the newest
 * timestamp. STATUS_INVALID: not an answer of Loki.
 */
enum status loki_presence_read(struct span body, struct cargo **cargos, size_t count, size_t *ret_count,
                               int64_t *ret_last_ns, struct err *err);

#endif

/*
 * loki_push: the body of a push to Loki (POST /loki/api/v1/push, JSON, gzip), built entry by entry.
 *
 *   {"streams":[{"stream":{labels},"values":[["<ns>","<the record's JSON>",{structured metadata}], …]}]}
 *
 * All captures of one tenant share one stream: what tells them apart is structured metadata and the line itself,
 * since each value of a label would make a stream of its own.
 * No I/O. Thread: one at a time for each struct loki_push.
 */
#ifndef RESCUE_SWEEPER_SHIP_LOKI_PUSH_H
#define RESCUE_SWEEPER_SHIP_LOKI_PUSH_H

#include "shared/jdoc.h"
#include "sweeper/ship/cargo.h"

enum {
	/*
	 * Lines and metadata of one push. Loki refuses one over 4 MiB with a 500 that no retry heals, and its
	 * default burst is 6 MB, so that several of these fit into a second.
	 */
	LOKI_PUSH_BYTES = 1024 * 1024,
};

struct loki_push {
	struct jdoc *labels; /* borrowed */
	bool with_metadata;
	struct buf values; /* the array's elements, as JSON */
	size_t count;
	size_t bytes;
};

/* The stream's labels: the configured ones, then ours, which win. NULL on out of memory. */
struct jdoc *loki_push_labels(const struct sink_config *config, const char *org);

void loki_push_init(struct loki_push *push, struct jdoc *labels, bool with_metadata);
void loki_push_done(struct loki_push *push);

/* Empty again. */
void loki_push_reset(struct loki_push *push);

/* False when the push is big enough already without this line. An empty one takes any line. */
bool loki_push_fits(const struct loki_push *push, struct span line);

/*
 * Adds a record of the cargo: `line` is its JSON, `entry` says what it is. The gate has seen
 * to it that all of it is UTF-8.
 */
enum status loki_push_add(struct loki_push *push, int64_t ts_ns, struct span line, const struct cargo *cargo,
                          const struct cargo_entry *entry);

/* Appends the body, packed. */
enum status loki_push_pack(const struct loki_push *push, struct buf *ret_gzip);

#endif

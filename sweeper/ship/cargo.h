/*
 * cargo: one claimed capture on its way to the sinks: who it is, its stored bundle, and the bundle's records taken
 * apart so that each can be pushed, asked for and ticked off by itself.
 *
 * The bundle is kept packed until cargo_open and again after cargo_close, so that a whole claim fits into memory.
 * Thread: belongs to the thread of its ship_loop.
 */
#ifndef RESCUE_SWEEPER_SHIP_CARGO_H
#define RESCUE_SWEEPER_SHIP_CARGO_H

#include "proto/record.h"
#include "sweeper/ledger/ledger.h"

struct cargo_entry {
	struct span line; /* the record's JSON without its newline; borrowed from the cargo */
	char section[LIMIT_SECTION_NAME + 1];
	int64_t part;
	enum record_outcome outcome;
	bool is_stored;           /* the sink at work has it, as far as is known */
	const char *aside_reason; /* the sink refused it for what it is: a substitute goes in its place; else NULL */
};

struct cargo {
	char capture_id[CAPTURE_ID_SIZE];
	char workspace_id[LIMIT_WORKSPACE_ID + 1];
	char instance_id[LIMIT_INSTANCE_ID + 1];
	int64_t since_ns;       /* nothing of this bundle was in any sink before: when it was received or ordered */
	int64_t entry_base_ns;  /* the first entry's timestamp; entry number i has this plus i */
	int64_t attempts;
	bool was_tried;         /* something of it may be in a sink already, perhaps under other timestamps */
	bool is_lost;           /* the lease went to another owner: leave it alone */
	char *shipped_to;       /* comma-separated names of sinks */
	struct buf bundle_gzip;

	/* From cargo_open to cargo_close. */
	struct buf ndjson;
	struct cargo_entry *entries;
	size_t entry_count;

	/* Over all sinks of this round: the first that does not have it, in words. */
	bool is_owed;
	bool is_attempted; /* a sink was given it and does not have all of it, as far as is known */
	struct err owed;

	/* Of the sink that works on it now. */
	bool is_solo;           /* goes by itself, since in company it failed */
	enum status result;
	struct err err;
};

/* Copies what the callback of ledger_claim lends. */
enum status cargo_init(struct cargo *cargo, const struct ledger_capture *capture);
/* Safe on a zeroed struct. */
void cargo_done(struct cargo *cargo);

/* Unpacks and reads the bundle. STATUS_INVALID names the record that cannot be read. */
enum status cargo_open(struct cargo *cargo, struct err *err);
void cargo_close(struct cargo *cargo);

bool cargo_has_sink(const struct cargo *cargo, const char *sink);

static inline int64_t cargo_entry_ns(const struct cargo *cargo, size_t index)
{
	return cargo->entry_base_ns + (int64_t)index;
}

/*
 * The entry of that section and part; NULL when there is none. A late bundle follows the record that said
 * `unreachable` under the same capture, section and part, so that record is another entry than the bundle's.
 */
struct cargo_entry *cargo_find(struct cargo *cargo, struct span section, int64_t part, bool is_unreachable);

/* How many entries the sink at work does not have yet. */
size_t cargo_missing(const struct cargo *cargo);

/* Makes it ready for the next sink, which has none of it yet. */
void cargo_begin(struct cargo *cargo);

/* Sets result and words in one go; `result` is returned. */
enum status cargo_finish(struct cargo *cargo, enum status result, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Notes that a sink (NULL: none in particular) does not have it, and why; the first reason of a round stays. */
void cargo_owe(struct cargo *cargo, const char *sink, const char *reason);

#endif

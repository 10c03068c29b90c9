#include "sweeper/ship/loki_settle.h"

#include <inttypes.h>

#include "shared/failpoint.h"
#include "shared/log.h"
#include "sweeper/metrics.h"
#include "sweeper/ship/substitute.h"

enum { ANSWER_MAX = 256 * 1024 };

/* Beside STATUS_OK and the final ones: what Loki refuses is a timestamp. */
#define MISTIMED STATUS_AGAIN

struct settling {
	const struct loki_work *work;
	struct cargo *cargo;
	struct loki_push push;
	const char *mistimed_reason;
	size_t stuck;             /* records that were refused and whose substitutes were, too */
	struct err stuck_err;     /* about the first of them */
};

enum status loki_work_send(const struct loki_work *work, const struct loki_push *push, struct loki_answer *ret_answer,
                           struct err *err)
{
	BUF_AUTO packed = BUF_INIT(8 * LOKI_PUSH_BYTES);
	BUF_AUTO body = BUF_INIT(ANSWER_MAX);
	int code;
	enum status status = loki_push_pack(push, &packed);

	if (status != STATUS_OK)
		return err_set(err, status, "cannot build a push: %s", status_name(status));
	FAILPOINT("ship.pushing");
	status = loki_link_push(work->presence.link, buf_span(&packed), &code, &body, err);
	FAILPOINT("ship.pushed");
	if (status == STATUS_OK)
		*ret_answer = loki_answer_read(code, buf_span(&body));
	return status;
}

static enum status add_entry(struct settling *settling, size_t index)
{
	const struct cargo *cargo = settling->cargo;
	struct cargo_entry *entry = &settling->cargo->entries[index];
	struct cargo_entry as_pushed = *entry;
	BUF_AUTO substitute = BUF_INIT(LIMIT_RECORD_LINE);
	struct err err = ERR_INIT;
	enum status status = STATUS_OK;

	if (entry->aside_reason != NULL) {
		status = substitute_make(entry->line, entry->aside_reason, &substitute, &err);
		as_pushed.line = buf_span(&substitute);
		as_pushed.outcome = OUTCOME_ERROR;
	}
	if (status == STATUS_OK)
		status = loki_push_add(&settling->push, cargo_entry_ns(cargo, index), as_pushed.line, cargo, &as_pushed);
	if (status != STATUS_OK)
		return cargo_finish(settling->cargo, status, "section %s part %" PRId64 ": %s", entry->section,
		                    entry->part, status_name(status));
	return STATUS_OK;
}

/*
 * Puts missing entries from `first` on into the push, as many as fit; *ret_end is behind the last that was looked at.
 * The lease is confirmed before, since with it goes the right to these timestamps.
 */
static enum status fill(struct settling *settling, size_t first, size_t end, size_t *ret_end)
{
	struct cargo *cargo = settling->cargo;
	struct err err = ERR_INIT;
	enum status status = lease_keep(settling->work->lease, &err);

	*ret_end = first;
	if (status != STATUS_OK)
		return cargo_finish(cargo, status, "the lease could not be renewed: %s", err.text);
	if (cargo->is_lost)
		return cargo_finish(cargo, STATUS_CONFLICT, "the lease went to another sweeper");
	loki_push_reset(&settling->push);
	for (; *ret_end < end && status == STATUS_OK; (*ret_end)++) {
		if (cargo->entries[*ret_end].is_stored)
			continue;
		if (!loki_push_fits(&settling->push, cargo->entries[*ret_end].line))
			break;
		status = add_entry(settling, *ret_end);
	}
	return status;
}

static void note_aside(const struct settling *settling, const struct cargo_entry *entry)
{
	metrics_add(METRIC_POISONED, settling->work->config->name, 1);
	log_event(LOG_ERROR, "ship.set_aside", LOG_S("capture_id", settling->cargo->capture_id),
	          LOG_S("workspace_id", settling->cargo->workspace_id), LOG_S("sink", settling->work->config->name),
	          LOG_S("section", entry->section), LOG_I("part", entry->part), LOG_I("bytes", entry->line.len),
	          LOG_S("reason", entry->aside_reason));
}

static void mark_stored(struct settling *settling, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++) {
		struct cargo_entry *entry = &settling->cargo->entries[i];

		if (!entry->is_stored && entry->aside_reason != NULL)
			note_aside(settling, entry);
		entry->is_stored = true;
	}
}

static void note_stuck(struct settling *settling, struct cargo_entry *entry, const char *reason)
{
	entry->aside_reason = NULL;
	if (settling->stuck++ == 0)
		(void)err_set(&settling->stuck_err, STATUS_INVALID,
		              "section %s part %" PRId64 " and its substitute are refused: %s", entry->section,
		              entry->part, reason);
}

static enum status push_range(struct settling *settling, size_t first, size_t end);

/* Goes on after Loki refused the entries in [first, end): the halves of several, the substitute of one. */
static enum status narrow(struct settling *settling, size_t first, size_t end, const struct loki_answer *answer)
{
	size_t middle = first + (end - first) / 2;
	struct cargo_entry *entry = &settling->cargo->entries[first];
	enum status status;

	if (end - first > 1) {
		status = push_range(settling, first, middle);
		return status == STATUS_OK ? push_range(settling, middle, end) : status;
	}
	if (answer->verdict == LOKI_MISTIMED) {
		settling->mistimed_reason = answer->reason;
		return MISTIMED;
	}
	if (entry->aside_reason != NULL) {
		note_stuck(settling, entry, answer->reason);
		return STATUS_OK;
	}
	entry->aside_reason = answer->reason;
	return push_range(settling, first, end);
}

static enum status push_once(struct settling *settling, size_t first, size_t end)
{
	struct cargo *cargo = settling->cargo;
	struct err err = ERR_INIT;
	struct loki_answer answer;
	enum status status = loki_work_send(settling->work, &settling->push, &answer, &err);

	if (status != STATUS_OK)
		return cargo_finish(cargo, status, "%s", err.text);
	switch (answer.verdict) {
	case LOKI_STORED:
		mark_stored(settling, first, end);
		return STATUS_OK;
	case LOKI_MISTIMED:
	case LOKI_REFUSED:
	case LOKI_TOO_BIG:
		return narrow(settling, first, end, &answer);
	case LOKI_BUSY:
	case LOKI_MISCONFIGURED:
		return cargo_finish(cargo, STATUS_UNAVAILABLE, "%s", answer.reason);
	case LOKI_LATER:
		break;
	}
	return cargo_finish(cargo, STATUS_INVALID, "%s", answer.reason);
}

static enum status push_range(struct settling *settling, size_t first, size_t end)
{
	enum status status = STATUS_OK;

	while (first < end && status == STATUS_OK) {
		size_t next;

		/* Stored ones at the front would keep a range of one missing entry from looking like one. */
		if (settling->cargo->entries[first].is_stored) {
			first++;
			continue;
		}
		status = fill(settling, first, end, &next);
		if (status == STATUS_OK)
			status = push_once(settling, first, next);
		first = next;
	}
	return status;
}

/*
 * New timestamps, committed first; then Loki is asked which records it took under old ones, so that only the others
 * are pushed under the new.
 */
static enum status restamp(struct settling *settling)
{
	const struct loki_presence *presence = &settling->work->presence;
	struct cargo *cargo = settling->cargo;
	struct err err = ERR_INIT;
	struct loki_range range;
	enum status status = lease_rebase(settling->work->lease, cargo, &err);

	if (status != STATUS_OK)
		return cargo_finish(cargo, status, "no new timestamps (%s): %s", settling->mistimed_reason, err.text);
	cargo->was_tried = true;
	range = loki_presence_range(&cargo, 1, false);
	status = loki_presence_ask(presence, &cargo, 1, &range, &err);
	if (status != STATUS_OK)
		return cargo_finish(cargo, status, "%s", err.text);
	return STATUS_OK;
}

enum status loki_settle(const struct loki_work *work, struct cargo *cargo)
{
	struct settling settling = { .work = work, .cargo = cargo };
	enum status status;

	loki_push_init(&settling.push, work->labels, work->config->structured_metadata);
	status = push_range(&settling, 0, cargo->entry_count);
	if (status == MISTIMED) {
		settling.stuck = 0;
		status = restamp(&settling);
		if (status == STATUS_OK)
			status = push_range(&settling, 0, cargo->entry_count);
		if (status == MISTIMED)
			status = cargo_finish(cargo, STATUS_INVALID,
			                      "even new timestamps are refused (%s): compare the clocks of PostgreSQL and Loki",
			                      settling.mistimed_reason);
	}
	if (status == STATUS_OK && settling.stuck > 0)
		status = cargo_finish(cargo, STATUS_INVALID, "%zu records: %s", settling.stuck,
		                      settling.stuck_err.text);
	loki_push_done(&settling.push);
	return status;
}

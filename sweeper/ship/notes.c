#include "sweeper/ship/notes.h"

#include "shared/log.h"
#include "shared/random.h"
#include "shared/stop.h"
#include "sweeper/metrics.h"

enum {
	BACKOFF_MIN_MS = 1000,
	BACKOFF_MAX_MS = 60 * 1000,
};

/* What the ledger did not take is not lost: the next claim finds it again. */
static void note_unnoted(struct notes *notes, const struct cargo *cargo, enum status status, const struct err *err)
{
	if (status == STATUS_OK)
		return;
	if (status != STATUS_CONFLICT)
		notes->status = status;
	log_event(LOG_WARN, "ship.not_noted", LOG_S("capture_id", cargo->capture_id),
	          LOG_S("workspace_id", cargo->workspace_id), LOG_S("status", status_name(status)),
	          LOG_S("error", err->text));
}

static void note_failure(struct cargo *cargo, const char *sink)
{
	if (cargo->result != STATUS_STOPPED)
		metrics_add(METRIC_SHIP_ERRORS, sink, 1);
	log_event(LOG_WARN, "ship.failed", LOG_S("capture_id", cargo->capture_id),
	          LOG_S("workspace_id", cargo->workspace_id), LOG_S("sink", sink), LOG_I("attempt", cargo->attempts + 1),
	          LOG_S("status", status_name(cargo->result)), LOG_S("error", cargo->err.text));
	cargo_owe(cargo, sink, cargo->err.text);
}

/* What became of one that was to be noted; `status` is that of asking for it. */
static enum status noted_status(enum status status, const struct ledger_noted *noted, struct err *err)
{
	if (status == STATUS_OK && !noted->is_noted)
		return err_set(err, STATUS_CONFLICT, "the lease is lost");
	return status;
}

void notes_delivered(struct notes *notes, struct cargo **cargos, size_t count, const char *sink)
{
	struct ledger_noted noted[NOTES_MAX];
	struct cargo *taken[NOTES_MAX];
	struct err err = ERR_INIT;
	enum status status = STATUS_OK;
	size_t taken_count = 0;

	for (size_t i = 0; i < count; i++) {
		if (!cargos[i]->is_lost && cargos[i]->result == STATUS_OK) {
			noted[taken_count].capture_id = cargos[i]->capture_id;
			taken[taken_count++] = cargos[i];
		}
	}
	metrics_add(METRIC_SHIPPED, sink, (int64_t)taken_count);
	if (taken_count > 0)
		status = ledger_sink_done(notes->ledger, noted, taken_count, notes->owner, sink, &err);
	for (size_t i = 0; i < taken_count; i++) {
		enum status here = noted_status(status, &noted[i], &err);

		taken[i]->is_lost = here == STATUS_CONFLICT;
		note_unnoted(notes, taken[i], here, &err);
		/* Without the note, the last step must not say that every sink has it. */
		if (here != STATUS_OK)
			cargo_owe(taken[i], sink, "delivered, but the ledger did not take note");
	}
	for (size_t i = 0; i < count; i++) {
		if (!cargos[i]->is_lost && cargos[i]->result != STATUS_OK)
			note_failure(cargos[i], sink);
	}
}

/* The last word about a cargo that a sink still lacks. */
static void put_off(struct notes *notes, const struct cargo *cargo)
{
	unsigned attempts = cargo->attempts > 16 ? 16 : (unsigned)cargo->attempts;
	struct err err = ERR_INIT;
	/*
	 * A stop is nobody's failure: another replica, or this one's successor, goes on at once. Nor is it the
	 * capture's when its sink was not asked.
	 */
	uint64_t delay_ms = stop_wanted() || !cargo->is_attempted ? 0 : BACKOFF_MIN_MS +
	                    random_backoff_ms(attempts, BACKOFF_MIN_MS, BACKOFF_MAX_MS - BACKOFF_MIN_MS);
	enum status status = ledger_ship_later(notes->ledger, cargo->capture_id, notes->owner, (int64_t)delay_ms,
	                                       cargo->owed.text, cargo->is_attempted, &err);

	note_unnoted(notes, cargo, status, &err);
}

static void note_shipped(const struct cargo *cargo, int64_t after_ms)
{
	log_event(LOG_INFO, "ship.shipped", LOG_S("capture_id", cargo->capture_id),
	          LOG_S("workspace_id", cargo->workspace_id));
	if (after_ms >= 0)
		metrics_observe_ms(HISTOGRAM_VERDICT_TO_SHIPPED, after_ms);
}

void notes_finish(struct notes *notes, struct cargo *cargos, size_t count)
{
	struct ledger_noted noted[NOTES_MAX];
	const struct cargo *done[NOTES_MAX];
	struct err err = ERR_INIT;
	enum status status = STATUS_OK;
	size_t done_count = 0;

	for (size_t i = 0; i < count; i++) {
		if (!cargos[i].is_lost && cargos[i].is_owed)
			put_off(notes, &cargos[i]);
		if (cargos[i].is_lost || cargos[i].is_owed)
			continue;
		noted[done_count].capture_id = cargos[i].capture_id;
		done[done_count++] = &cargos[i];
	}
	if (done_count > 0)
		status = ledger_shipped(notes->ledger, noted, done_count, notes->owner, &err);
	for (size_t i = 0; i < done_count; i++) {
		enum status here = noted_status(status, &noted[i], &err);

		if (here == STATUS_OK)
			note_shipped(done[i], noted[i].after_ms);
		note_unnoted(notes, done[i], here, &err);
	}
}

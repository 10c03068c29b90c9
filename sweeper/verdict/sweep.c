#include "sweeper/verdict/sweep.h"

#include <stdlib.h>

#include "shared/clock.h"
#include "shared/log.h"
#include "shared/random.h"
#include "shared/stop.h"
#include "sweeper/metrics.h"
#include "sweeper/verdict/skew.h"
#include "sweeper/verdict/timeouts.h"

enum {
	KEEP_S = 7 * 24 * 3600,
	FORGET_BATCH = 5000, /* a sweep: more than boots come between two */
	RETRY_BASE_MS = 500,
	RETRY_CAP_MS = 30 * 1000,
};

struct sweep {
	struct sweep_options options;
	struct ledger *ledger;
	struct timeouts *timeouts;
	bool is_failing;   /* and logged */
	bool lacks_trigger; /* that was asked for; and logged */
	unsigned failures; /* in a row */
};

enum status sweep_new(const struct sweep_options *options, struct sweep **ret_sweep, struct err *err)
{
	struct sweep *sweep = calloc(1, sizeof *sweep);
	enum status status = STATUS_NO_MEMORY;

	*ret_sweep = NULL;
	if (sweep != NULL) {
		sweep->options = *options;
		sweep->timeouts = timeouts_new(options->config, options->tenant);
		if (sweep->timeouts != NULL)
			status = ledger_new(options->config, options->tenant, &sweep->ledger);
	}
	if (status != STATUS_OK) {
		sweep_free(sweep);
		return err_set(err, status, "cannot set up the sweep");
	}
	*ret_sweep = sweep;
	return STATUS_OK;
}

void sweep_free(struct sweep *sweep)
{
	if (sweep == NULL)
		return;
	ledger_free(sweep->ledger);
	timeouts_free(sweep->timeouts);
	free(sweep);
}

static void note_verdict(void *ctx, const struct ledger_verdict *verdict)
{
	const struct sweep *sweep = ctx;
	const char *reason = order_reason_name(verdict->reason);

	log_event(LOG_INFO, "verdict.failed", LOG_S("org", sweep->options.tenant->org),
	          LOG_S("workspace_id", verdict->workspace_id), LOG_S("capture_id", verdict->capture_id),
	          LOG_S("reason", reason), LOG_I("timeout_s", verdict->timeout_s));
	metrics_add(METRIC_VERDICTS, reason, 1);
}

enum status sweep_once(struct sweep *sweep, int64_t *ret_flipped, struct err *err)
{
	int64_t batch = sweep->options.config->sweep.batch;
	struct ledger_timeouts timeouts;
	enum status status = timeouts_resolve(sweep->timeouts, &timeouts, err);
	int64_t count = batch;

	*ret_flipped = 0;
	while (status == STATUS_OK && count == batch) {
		if (stop_wanted()) {
			status = err_set(err, STATUS_STOPPED, "asked to stop");
			break;
		}
		status = ledger_sweep(sweep->ledger, &timeouts, batch, note_verdict, sweep, &count, err);
		if (status == STATUS_OK)
			*ret_flipped += count;
	}
	if (*ret_flipped > 0 && sweep->options.ship_wake != NULL)
		wake_raise(sweep->options.ship_wake);
	return status;
}

/* A platform that makes its table anew loses the trigger with the old one. Without it other programs' flips go unseen. */
static enum status look_for_trigger(struct sweep *sweep, struct err *err)
{
	bool is_installed = true;
	enum status status = STATUS_OK;

	if (sweep->options.config->verdicts.adopt_external)
		status = ledger_adoption_installed(sweep->ledger, &is_installed, err);
	if (status == STATUS_OK && !is_installed && !sweep->lacks_trigger)
		log_event(LOG_ERROR, "adoption.missing", LOG_S("org", sweep->options.tenant->org),
		          LOG_S("reason", "verdicts.adopt_external is on, but the workspaces table has no trigger"),
		          LOG_S("do", "run rescue-sweeper migrate"));
	sweep->lacks_trigger = !is_installed;
	return status;
}

/* One round: verdicts, then what nobody asks for any more. */
static enum status run_round(struct sweep *sweep, struct err *err)
{
	int64_t flipped;
	/* First of all, since the time that the gate judges certificates by hangs on it. */
	enum status status = skew_measure(sweep->ledger, sweep->options.config, sweep->options.tenant, err);

	if (status == STATUS_OK)
		status = sweep_once(sweep, &flipped, err);
	if (status == STATUS_OK)
		status = look_for_trigger(sweep, err);
	if (status == STATUS_OK) {
		metrics_set(METRIC_SWEEP_LAST_SUCCESS, NULL, clock_agreed_ns() / 1000000000);
		status = ledger_forget(sweep->ledger, KEEP_S, FORGET_BATCH, err);
	}
	return status;
}

/* Says so once when it begins to fail and once when it works again. Returns how long to wait for the next round. */
static uint64_t note_round(struct sweep *sweep, enum status status, const struct err *err)
{
	const char *org = sweep->options.tenant->org;

	metrics_set(METRIC_DATABASE_UP, org, status == STATUS_OK);
	if (status == STATUS_OK) {
		if (sweep->is_failing)
			log_event(LOG_INFO, "sweep.resumed", LOG_S("org", org), LOG_I("failures", sweep->failures));
		sweep->is_failing = false;
		sweep->failures = 0;
		return (uint64_t)sweep->options.config->sweep.interval_s * 1000;
	}
	metrics_add(METRIC_SWEEP_ERRORS, NULL, 1);
	if (!sweep->is_failing)
		log_event(LOG_ERROR, "sweep.failing", LOG_S("org", org), LOG_S("status", status_name(status)),
		          LOG_S("reason", err->text));
	sweep->is_failing = true;
	return random_backoff_ms(sweep->failures++, RETRY_BASE_MS, RETRY_CAP_MS);
}

void sweep_loop(struct sweep *sweep)
{
	while (!stop_wanted()) {
		struct err err = ERR_INIT;
		enum status status = run_round(sweep, &err);

		if (status == STATUS_STOPPED || stop_sleep_ms(note_round(sweep, status, &err)) == STATUS_STOPPED)
			return;
	}
}

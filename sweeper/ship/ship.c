#include "sweeper/ship/ship.h"

#include "shared/clock.h"
#include "shared/log.h"
#include "shared/random.h"
#include "shared/stop.h"
#include "sweeper/metrics.h"
#include "sweeper/rules.h"
#include "sweeper/ship/shipper.h"
#include "sweeper/ship/unreachable.h"

enum {
	LOOK_MS = 2000,          /* at the table, when nobody wakes us */
	CHORES_MS = 3000,
	LEDGER_RETRY_MS = 2000,
	CLEAR_BATCH = 200,
	HOUR_S = 3600,
};

struct loop {
	const struct ship_options *options;
	struct ledger *ledger;
	struct shipper *shipper;
	int64_t chores_mono_ms; /* when they are next due */
	bool is_ledger_down;
};

/* One line when the database goes away and one when it is back, however often it was tried in between. */
static void note_ledger(struct loop *loop, enum status status, const struct err *err)
{
	if (status == STATUS_OK && loop->is_ledger_down)
		log_event(LOG_INFO, "ship.ledger_back", LOG_S("org", loop->options->tenant->org));
	else if (status != STATUS_OK && !loop->is_ledger_down)
		log_event(LOG_WARN, "ship.ledger_failed", LOG_S("org", loop->options->tenant->org),
		          LOG_S("status", status_name(status)), LOG_S("error", err->text));
	loop->is_ledger_down = status != STATUS_OK;
}

static enum status mark_unreachable(struct loop *loop, struct err *err)
{
	const struct redactor *redactor = rules_acquire();
	struct unreachable unreachable = { .org = loop->options->tenant->org, .redactor = redactor };
	int64_t count;
	enum status status = unreachable_mark(&unreachable, loop->ledger, &count, err);

	if (count > 0)
		log_event(LOG_WARN, "ship.unreachable", LOG_S("org", unreachable.org), LOG_I("captures", count));
	rules_release(redactor);
	return status;
}

/* What has to be done now and then, whether or not there is anything to ship. */
static enum status do_chores(struct loop *loop, struct err *err)
{
	const struct ship_options *options = loop->options;
	int64_t count, age_s;
	enum status status;

	if (clock_mono_ms() < loop->chores_mono_ms)
		return STATUS_OK;
	status = mark_unreachable(loop, err);
	if (status == STATUS_OK)
		status = ledger_backlog(loop->ledger, &count, &age_s, err);
	if (status == STATUS_OK) {
		metrics_set(METRIC_BACKLOG, options->tenant->org, count);
		metrics_set(METRIC_BACKLOG_AGE, options->tenant->org, age_s);
		status = ledger_clear_bundles(loop->ledger, options->config->capture.grace_h * HOUR_S, CLEAR_BATCH, err);
	}
	if (status == STATUS_OK)
		loop->chores_mono_ms = clock_mono_ms() + CHORES_MS;
	return status;
}

static void run(struct loop *loop)
{
	while (!stop_wanted()) {
		struct err err = ERR_INIT;
		bool is_more = false;
		enum status status = do_chores(loop, &err);

		if (status == STATUS_OK)
			status = shipper_round(loop->shipper, &is_more, &err);
		note_ledger(loop, status, &err);
		if (status != STATUS_OK)
			(void)stop_sleep_ms(random_below(LEDGER_RETRY_MS) + LEDGER_RETRY_MS / 4);
		else if (!is_more)
			(void)wake_wait(loop->options->wake, (uint64_t)shipper_idle_ms(loop->shipper, LOOK_MS));
	}
}

void ship_loop(const struct ship_options *options)
{
	struct loop loop = { .options = options };
	struct err err = ERR_INIT;
	enum status status = ledger_new(options->config, options->tenant, &loop.ledger);

	if (status != STATUS_OK)
		(void)err_set(&err, status, "%s", status_name(status));
	else
		status = shipper_new(options->config, options->tenant, loop.ledger, &loop.shipper, &err);
	if (status == STATUS_OK)
		run(&loop);
	else
		/* Only memory or the TLS library can fail here. The other threads of the process still do their work. */
		log_event(LOG_ERROR, "ship.cannot_start", LOG_S("org", options->tenant->org), LOG_S("error", err.text));
	shipper_free(loop.shipper);
	ledger_free(loop.ledger);
}

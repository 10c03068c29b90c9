#include "sweeper/tenant_threads.h"

#include <errno.h>
#include <time.h>

#include "shared/clock.h"
#include "shared/failpoint.h"
#include "shared/log.h"
#include "shared/random.h"
#include "shared/stop.h"
#include "sweeper/ledger/ledger.h"

enum { LISTEN_MS = 30000, RETRY_BASE_MS = 500, RETRY_CAP_MS = 10000 };

static void *run_sweep(void *ctx)
{
	sweep_loop(((struct tenant_threads *)ctx)->sweep);
	return NULL;
}

static void *run_webhook(void *ctx)
{
	webhook_loop(((struct tenant_threads *)ctx)->webhook);
	return NULL;
}

static void *run_ship(void *ctx)
{
	ship_loop(&((struct tenant_threads *)ctx)->ship);
	return NULL;
}

static void *run_console(void *ctx)
{
	console_loop(&((struct tenant_threads *)ctx)->ship);
	return NULL;
}

static void on_notice(void *ctx, struct span workspace_id)
{
	struct tenant_threads *threads = ctx;

	if (!FAILPOINT_FAILS("listen.lose"))
		gate_notice(threads->gate, threads->index, workspace_id);
}

/*
 * Notifications only make things faster, so that a failure here is worth a line once and a new try for ever: the gate
 * says by itself when the database is down.
 */
static void *run_listen(void *ctx)
{
	struct tenant_threads *threads = ctx;
	unsigned failures = 0;

	while (!stop_wanted()) {
		struct err err = ERR_INIT;
		enum status status = ledger_listen(threads->listen_ledger, LISTEN_MS, stop_fd(), on_notice, threads, &err);

		if (status == STATUS_AGAIN)
			gate_look(threads->gate, threads->index);
		if (status == STATUS_OK || status == STATUS_AGAIN || status == STATUS_TIMEOUT || status == STATUS_STOPPED) {
			failures = 0;
			continue;
		}
		if (failures == 0)
			log_event(LOG_WARN, "listen.failed", LOG_S("org", threads->tenant->org), LOG_S("error", err.text));
		if (stop_sleep_ms(RETRY_BASE_MS + random_backoff_ms(failures, RETRY_BASE_MS, RETRY_CAP_MS)) != STATUS_OK)
			break;
		failures++;
	}
	return NULL;
}

static enum status make_parts(struct tenant_threads *threads, struct err *err)
{
	const struct sweep_options sweep = { .config = threads->config, .tenant = threads->tenant,
	                                     .ship_wake = threads->ship_wake };
	const struct webhook_options webhook = { .config = threads->config, .tenant = threads->tenant };
	enum status status = sweep_new(&sweep, &threads->sweep, err);

	if (status == STATUS_OK && threads->config->events.webhook_url[0] != '\0')
		status = webhook_new(&webhook, &threads->webhook, err);
	if (status == STATUS_OK)
		status = ledger_new(threads->config, threads->tenant, &threads->listen_ledger);
	threads->ship = (struct ship_options){ .config = threads->config, .tenant = threads->tenant,
	                                       .wake = threads->ship_wake };
	return status;
}

static enum status start_one(struct tenant_threads *threads, void *(*run)(void *), struct err *err)
{
	errno = pthread_create(&threads->threads[threads->started], NULL, run, threads);
	if (errno != 0)
		return err_set_errno(err, "cannot start a thread for %s", threads->tenant->org);
	threads->started++;
	return STATUS_OK;
}

enum status tenant_threads_start(struct tenant_threads *threads, struct err *err)
{
	enum status status = make_parts(threads, err);

	if (status == STATUS_OK)
		status = start_one(threads, run_listen, err);
	if (status == STATUS_OK)
		status = start_one(threads, run_ship, err);
	if (status == STATUS_OK && threads->webhook != NULL)
		status = start_one(threads, run_webhook, err);
	if (status == STATUS_OK && threads->config->console_fallback.enabled)
		status = start_one(threads, run_console, err);
	/* Verdicts come last: whoever carries out their orders is there already. */
	if (status == STATUS_OK)
		status = start_one(threads, run_sweep, err);
	return status;
}

bool tenant_threads_join(struct tenant_threads *threads, int64_t until_mono_ms)
{
	while (threads->started > 0) {
		int64_t left_ms = until_mono_ms - clock_mono_ms();
		int64_t end_ns = clock_real_ns() + (left_ms < 0 ? 0 : left_ms) * 1000000;
		struct timespec end = { .tv_sec = end_ns / 1000000000, .tv_nsec = end_ns % 1000000000 };

		if (pthread_timedjoin_np(threads->threads[threads->started - 1], NULL, &end) != 0)
			return false;
		threads->started--;
	}
	return true;
}

void tenant_threads_done(struct tenant_threads *threads)
{
	sweep_free(threads->sweep);
	webhook_free(threads->webhook);
	ledger_free(threads->listen_ledger);
}

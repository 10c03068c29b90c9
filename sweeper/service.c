#include "sweeper/service.h"

#include <stdlib.h>
#include <unistd.h>

#include "proto/record.h"
#include "shared/clock.h"
#include "shared/fetch.h"
#include "shared/log.h"
#include "shared/stop.h"
#include "shared/tls/session.h"
#include "sweeper/metrics.h"
#include "sweeper/rules.h"
#include "sweeper/tenant_threads.h"

enum { THREADS_END_MS = 5000 };

struct service {
	const struct sweeper_config *config;
	struct wake *ship_wakes;
	struct tenant_threads *threads;
	size_t wake_count, thread_count;
	struct gate *gate;
};

static enum status make_wakes(struct service *service, struct err *err)
{
	enum status status = STATUS_OK;

	service->ship_wakes = calloc(service->config->tenant_count, sizeof *service->ship_wakes);
	service->threads = calloc(service->config->tenant_count, sizeof *service->threads);
	if (service->ship_wakes == NULL || service->threads == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < service->config->tenant_count && status == STATUS_OK; i++) {
		status = wake_init(&service->ship_wakes[i], err);
		service->wake_count += status == STATUS_OK ? 1 : 0;
	}
	return status;
}

static enum status start_threads(struct service *service, struct err *err)
{
	enum status status = STATUS_OK;

	for (size_t i = 0; i < service->config->tenant_count && status == STATUS_OK; i++) {
		struct tenant_threads *threads = &service->threads[i];

		*threads = (struct tenant_threads){ .config = service->config, .tenant = &service->config->tenants[i],
		                                    .index = i, .gate = service->gate,
		                                    .ship_wake = &service->ship_wakes[i] };
		service->thread_count++;
		status = tenant_threads_start(threads, err);
	}
	return status;
}

/* A counter that appears with its first event has no increase that an alert could see: known labels begin at 0. */
static void seed_metrics(const struct sweeper_config *config)
{
	for (int i = 0; i < OUTCOME_COUNT; i++)
		metrics_add(METRIC_SECTIONS, record_outcome_name((enum record_outcome)i), 0);
	metrics_add(METRIC_VERDICTS, order_reason_name(REASON_SWEEP), 0);
	metrics_add(METRIC_VERDICTS, order_reason_name(REASON_BOOTSTRAP), 0);
	metrics_add(METRIC_ENROLMENTS, "issued", 0);
	metrics_add(METRIC_ENROLMENTS, "other_key", 0);
	for (size_t i = 0; i < config->sink_count; i++) {
		metrics_add(METRIC_SHIPPED, config->sinks[i].name, 0);
		metrics_add(METRIC_SHIP_ERRORS, config->sinks[i].name, 0);
		metrics_add(METRIC_POISONED, config->sinks[i].name, 0);
	}
}

static enum status set_up(struct service *service, struct err *err)
{
	enum status status = stop_init(err);

	if (status == STATUS_OK)
		status = tls_global_init(err);
	if (status == STATUS_OK)
		status = fetch_global_init(err);
	/* Without rules the sweeper runs on, and withholds; rules_load has logged why. */
	if (status == STATUS_OK && rules_load(service->config->rules_dir, err) == STATUS_OK)
		log_event(LOG_DEBUG, "service.rules_ready");
	if (status == STATUS_OK)
		status = make_wakes(service, err);
	if (status == STATUS_OK)
		status = gate_new(service->config, service->ship_wakes, &service->gate, err);
	return status;
}

/* False when a thread does not end. */
static bool join_threads(struct service *service)
{
	int64_t until_mono_ms = clock_mono_ms() + THREADS_END_MS;
	bool all_ended = true;

	for (size_t i = 0; i < service->thread_count; i++)
		all_ended = tenant_threads_join(&service->threads[i], until_mono_ms) && all_ended;
	return all_ended;
}

static void free_all(struct service *service)
{
	for (size_t i = 0; i < service->thread_count; i++)
		tenant_threads_done(&service->threads[i]);
	gate_free(service->gate);
	for (size_t i = 0; i < service->wake_count; i++)
		wake_done(&service->ship_wakes[i]);
	free(service->threads);
	free(service->ship_wakes);
	rules_unload();
}

enum status service_run(const struct sweeper_config *config, struct err *err)
{
	struct service service = { .config = config };
	enum status status = set_up(&service, err);
	bool all_ended = true;

	seed_metrics(config);
	if (status == STATUS_OK) {
		status = start_threads(&service, err);
		if (status != STATUS_OK)
			stop_request();
		log_event(LOG_INFO, "sweeper.started", LOG_S("version", RESCUE_VERSION), LOG_I("tenants", config->tenant_count));
		all_ended = gate_run(service.gate);
		all_ended = join_threads(&service) && all_ended;
	}
	log_event(LOG_INFO, "sweeper.stopped");
	/* What hangs in a dead database holds nothing that must survive: that is in the database already, or not true. */
	if (!all_ended)
		_exit(status == STATUS_OK ? 0 : 1);
	free_all(&service);
	return status;
}

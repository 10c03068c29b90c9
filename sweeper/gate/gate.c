#include "sweeper/gate/gate.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/log.h"
#include "shared/stop.h"
#include "sweeper/gate/admin.h"
#include "sweeper/gate/core.h"
#include "sweeper/issuer.h"
#include "sweeper/rules.h"

/* Descriptors that are not the gate's connections: logs, sinks, the loop's own, a few for each tenant. */
enum { OTHER_DESCRIPTORS = 64, DESCRIPTORS_A_TENANT = 16, MAX_ADMINS = 64, WORKERS_END_MS = 3000 };

/* Threads that wait for one tenant's database. */
enum { WORKERS = 3 };

/* As many as the system allows; the soft limit is raised to the hard one. */
static size_t max_connections(size_t tenant_count)
{
	size_t others = OTHER_DESCRIPTORS + MAX_ADMINS + DESCRIPTORS_A_TENANT * tenant_count;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 256;
	if (limit.rlim_cur < limit.rlim_max) {
		struct rlimit raised = { .rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max };

		if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
			limit = raised;
	}
	return limit.rlim_cur > others + 16 ? (size_t)limit.rlim_cur - others : 16;
}

/* What the authority of enrolment signs counts for boxes only, so that its key, which a sweeper holds, makes no operator. */
static bool is_workspace(struct span uri)
{
	struct identity identity;
	struct err err = ERR_INIT;

	return identity_parse(uri, &identity, &err) == STATUS_OK && identity.role == IDENTITY_WORKSPACE;
}

static enum status load_tls(struct gate *gate, struct err *err)
{
	const struct sweeper_config *config = gate->config;
	const struct tls_files files = { .cert = config->tls.cert, .key = config->tls.key,
	                                 .client_ca = config->tls.client_ca,
	                                 .takes_strangers = config->enroll.enabled, .tickets = gate->tickets,
	                                 .limited_ca = config->enroll.enabled ? config->enroll.ca_cert : NULL,
	                                 .limited_ok = is_workspace };
	struct tls_server *fresh, *older;
	enum status status = tls_server_new(&files, &fresh, err);

	if (status != STATUS_OK)
		return status;
	(void)pthread_mutex_lock(&gate->lock);
	older = gate->tls;
	gate->tls = fresh;
	(void)pthread_mutex_unlock(&gate->lock);
	tls_server_unref(older);
	return STATUS_OK;
}

struct tls_server *gate_tls(struct gate *gate)
{
	struct tls_server *server;

	(void)pthread_mutex_lock(&gate->lock);
	server = gate->tls;
	tls_server_ref(server);
	(void)pthread_mutex_unlock(&gate->lock);
	return server;
}

/* SIGHUP */
static void on_reload(uv_poll_t *poll, int failed, int events)
{
	struct gate *gate = poll->data;
	struct err err = ERR_INIT;
	enum status status;

	(void)failed;
	(void)events;
	if (!stop_take_reload())
		return;
	if (load_tls(gate, &err) == STATUS_OK) {
		for (size_t i = 0; i < gate->lane_count; i++)
			lane_renew(&gate->lanes[i]);
		log_event(LOG_INFO, "gate.reloaded", LOG_S("cert", gate->config->tls.cert));
	} else {
		log_event(LOG_ERROR, "gate.reload_failed", LOG_S("error", err.text), LOG_S("effect", "the old ones stay"));
	}
	if (issuer_load(gate->config, &err) != STATUS_OK)
		log_event(LOG_ERROR, "gate.reload_failed", LOG_S("error", err.text), LOG_S("effect", "the old ones stay"));
	for (size_t i = 0; i < gate->config->tenant_count; i++)
		ticket_keys_fetch(&gate->lanes[0].tenants[i]);
	/* It says itself what came of it; what failed withholds everything. */
	status = rules_load(gate->config->rules_dir, &err);
	(void)status;
}

static enum status set_up_enrolment(struct gate *gate, struct err *err)
{
	const struct enroll_config *config = &gate->config->enroll;

	if (!config->enabled)
		return STATUS_OK;
	gate->enroll_by_address = rate_new(config->per_address_per_min);
	gate->enroll_by_instance = rate_new(config->per_instance_per_min);
	if (gate->enroll_by_address == NULL || gate->enroll_by_instance == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	return issuer_load(gate->config, err);
}

/* The lanes have ended, or never ran. */
static bool stop_jobs(struct gate *gate, int64_t until_mono_ms)
{
	bool all_ended = true;

	for (size_t i = 0; gate->jobs != NULL && i < gate->config->tenant_count; i++)
		all_ended = (gate->jobs[i] == NULL || jobs_stop(gate->jobs[i], until_mono_ms)) && all_ended;
	for (size_t i = 0; i < gate->lane_count; i++)
		lane_finish(&gate->lanes[i]);
	return all_ended;
}

static size_t count_lanes(void)
{
	cpu_set_t cpus;
	size_t count = 1;

	if (sched_getaffinity(0, sizeof cpus, &cpus) == 0)
		count = (size_t)CPU_COUNT(&cpus);
	return count < LIMIT_LANES ? count : LIMIT_LANES;
}

static enum status start_jobs(struct gate *gate, struct err *err)
{
	enum status status = STATUS_OK;

	gate->jobs = calloc(gate->config->tenant_count, sizeof *gate->jobs);
	if (gate->jobs == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < gate->config->tenant_count && status == STATUS_OK; i++)
		status = jobs_new(gate->config, &gate->config->tenants[i], WORKERS, &gate->jobs[i], err);
	return status;
}

static enum status start_lanes(struct gate *gate, struct err *err)
{
	size_t count = count_lanes(), max = max_connections(gate->config->tenant_count) / count;
	enum status status;
	int fd = -1;

	status = listener_open(gate->config->listen, &fd, err);
	for (size_t i = 0; i < count && status == STATUS_OK; i++) {
		gate->lane_count++;
		status = lane_init(&gate->lanes[i], gate, i, max, fd, err);
	}
	if (fd >= 0)
		(void)close(fd);
	if (status == STATUS_OK)
		log_event(LOG_INFO, "gate.listening", LOG_S("address", gate->config->listen), LOG_I("lanes", count),
		          LOG_I("max_connections", max * count));
	return status;
}

/* What the first lane does beside its connections. */
static enum status start_first_lane(struct gate *gate, struct err *err)
{
	uv_loop_t *loop = &gate->lanes[0].loop;
	enum status status;
	int fd = -1;

	gate->reload_watch.data = gate;
	if (uv_poll_init(loop, &gate->reload_watch, stop_reload_fd()) != 0 ||
	    uv_poll_start(&gate->reload_watch, UV_READABLE, on_reload) != 0)
		return err_set(err, STATUS_SYSTEM, "cannot watch for signals");
	conn_host_init(&gate->admins, loop, &admin_service, &gate->lanes[0], MAX_ADMINS);
	gate->admins.config = gate->config;
	status = listener_open(gate->config->admin_listen, &fd, err);
	if (status == STATUS_OK)
		status = listener_start(&gate->admin_listener, &gate->admins, fd, err);
	if (fd >= 0)
		(void)close(fd);
	if (status == STATUS_OK)
		log_event(LOG_INFO, "gate.listening", LOG_S("address", gate->config->admin_listen));
	return status;
}

static enum status set_up(struct gate *gate, struct err *err)
{
	enum status status = gate->tickets == NULL ? err_set(err, STATUS_NO_MEMORY, "out of memory") : load_tls(gate, err);

	if (status == STATUS_OK)
		status = set_up_enrolment(gate, err);
	if (status == STATUS_OK)
		status = start_jobs(gate, err);
	if (status == STATUS_OK)
		status = start_lanes(gate, err);
	if (status == STATUS_OK)
		status = start_first_lane(gate, err);
	return status;
}

enum status gate_new(const struct sweeper_config *config, struct wake *ship_wakes, struct gate **ret_gate,
                     struct err *err)
{
	struct gate *gate = calloc(1, sizeof *gate + LIMIT_LANES * sizeof gate->lanes[0]);
	enum status status;

	if (gate == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	gate->config = config;
	gate->ship_wakes = ship_wakes;
	gate->tickets = tls_tickets_new(config->tenant_count);
	(void)pthread_mutex_init(&gate->lock, NULL);
	(void)sem_init(&gate->keys_fetched, 0, 0);
	status = set_up(gate, err);
	if (status == STATUS_OK) {
		*ret_gate = gate;
		return STATUS_OK;
	}
	/* Nothing was submitted yet, so that no worker can hang. */
	(void)stop_jobs(gate, INT64_MAX);
	gate_free(gate);
	return status;
}

static void *run_lane(void *ctx)
{
	lane_run(ctx);
	return NULL;
}

bool gate_run(struct gate *gate)
{
	pthread_t threads[LIMIT_LANES];
	size_t started = 1;
	bool all_ended;

	ticket_keys_fetch_first(gate);
	while (started < gate->lane_count && pthread_create(&threads[started], NULL, run_lane, &gate->lanes[started]) == 0)
		started++;
	if (started < gate->lane_count)
		log_event(LOG_ERROR, "gate.too_few_lanes", LOG_S("error", "cannot start a thread"), LOG_I("lanes", started));
	lane_run(&gate->lanes[0]);
	for (size_t i = 1; i < started; i++)
		(void)pthread_join(threads[i], NULL);
	listener_stop(&gate->admin_listener);
	conn_stop_all(&gate->admins, "drain");
	all_ended = stop_jobs(gate, clock_mono_ms() + WORKERS_END_MS);
	log_event(LOG_INFO, "gate.stopped", LOG_S("workers", all_ended ? "ended" : "hang in a database"));
	return all_ended;
}

void gate_free(struct gate *gate)
{
	if (gate == NULL)
		return;
	listener_stop(&gate->admin_listener);
	conn_stop_all(&gate->admins, "drain");
	for (size_t i = 0; i < gate->lane_count; i++)
		lane_free(&gate->lanes[i]);
	conn_host_done(&gate->admins);
	for (size_t i = 0; gate->jobs != NULL && i < gate->config->tenant_count; i++)
		jobs_free(gate->jobs[i]);
	free(gate->jobs);
	rate_free(gate->enroll_by_address);
	rate_free(gate->enroll_by_instance);
	issuer_unload();
	tls_server_unref(gate->tls);
	tls_tickets_free(gate->tickets);
	(void)pthread_mutex_destroy(&gate->lock);
	(void)sem_destroy(&gate->keys_fetched);
	free(gate);
}

void gate_notice(struct gate *gate, size_t tenant, struct span workspace_id)
{
	for (size_t i = 0; i < gate->lane_count; i++)
		tenant_notice(&gate->lanes[i].tenants[tenant], workspace_id);
}

void gate_look(struct gate *gate, size_t tenant)
{
	for (size_t i = 0; i < gate->lane_count; i++)
		tenant_look(&gate->lanes[i].tenants[tenant]);
}

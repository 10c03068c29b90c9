#include "sweeper/gate/gate.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "shared/clock.h"
#include "shared/log.h"
#include "shared/stop.h"
#include "sweeper/gate/admin.h"
#include "sweeper/gate/core.h"
#include "sweeper/gate/routes.h"
#include "sweeper/issuer.h"
#include "sweeper/rules.h"

/* Descriptors that are not the gate's connections: logs, sinks, the loop's own, a few for each tenant. */
enum { OTHER_DESCRIPTORS = 64, DESCRIPTORS_A_TENANT = 16, MAX_ADMINS = 64, WORKERS_END_MS = 3000 };

struct gate_tenant *gate_tenant(struct gate *gate, const struct tenant_config *config)
{
	return &gate->tenants[config - gate->config->tenants];
}

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

static enum status load_tls(const struct sweeper_config *config, struct tls_server **ret_server, struct err *err)
{
	const struct tls_files files = { .cert = config->tls.cert, .key = config->tls.key,
	                                 .client_ca = config->tls.client_ca,
	                                 .takes_strangers = config->enroll.enabled };

	return tls_server_new(&files, ret_server, err);
}

/* SIGHUP. Connections that are open keep the server they began with, and the new ones get the new one. */
static void on_reload(uv_poll_t *poll, int failed, int events)
{
	struct gate *gate = poll->data;
	struct tls_server *fresh;
	struct err err = ERR_INIT;
	enum status status;

	(void)failed;
	(void)events;
	if (!stop_take_reload())
		return;
	if (load_tls(gate->config, &fresh, &err) == STATUS_OK) {
		tls_server_unref(gate->callers.tls);
		gate->callers.tls = fresh;
		log_event(LOG_INFO, "gate.reloaded", LOG_S("cert", gate->config->tls.cert));
	} else {
		log_event(LOG_ERROR, "gate.reload_failed", LOG_S("error", err.text), LOG_S("effect", "the old ones stay"));
	}
	if (issuer_load(gate->config, &err) != STATUS_OK)
		log_event(LOG_ERROR, "gate.reload_failed", LOG_S("error", err.text), LOG_S("effect", "the old ones stay"));
	/* It says itself what came of it; what failed withholds everything. */
	status = rules_load(gate->config->rules_dir, &err);
	(void)status;
}

static void on_drain_over(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

static void on_connection_gone(struct conn_host *host)
{
	struct gate *gate = host->ctx;

	if (gate->draining && gate->callers.count == 0)
		uv_stop(&gate->loop);
}

static void on_stop(uv_poll_t *poll, int failed, int events)
{
	struct gate *gate = poll->data;

	(void)failed;
	(void)events;
	if (gate->draining)
		return;
	(void)uv_poll_stop(poll);
	gate->draining = true;
	log_event(LOG_INFO, "gate.draining", LOG_I("connections", gate->callers.count), LOG_I("held", gate->held.count));
	listener_stop(&gate->listener);
	gate->callers.has_room = on_connection_gone;
	(void)uv_timer_start(&gate->drain_timer, on_drain_over, LIMIT_DRAIN_MS, 0);
	conn_drain(&gate->callers);
	on_connection_gone(&gate->callers);
}

static enum status start_watches(struct gate *gate, struct err *err)
{
	gate->stop_watch.data = gate;
	gate->reload_watch.data = gate;
	if (uv_poll_init(&gate->loop, &gate->stop_watch, stop_fd()) != 0 ||
	    uv_poll_start(&gate->stop_watch, UV_READABLE, on_stop) != 0 ||
	    uv_poll_init(&gate->loop, &gate->reload_watch, stop_reload_fd()) != 0 ||
	    uv_poll_start(&gate->reload_watch, UV_READABLE, on_reload) != 0 ||
	    uv_timer_init(&gate->loop, &gate->drain_timer) != 0)
		return err_set(err, STATUS_SYSTEM, "cannot watch for signals");
	return STATUS_OK;
}

static enum status start_tenants(struct gate *gate, struct wake *ship_wakes, struct err *err)
{
	enum status status = STATUS_OK;

	gate->tenants = calloc(gate->config->tenant_count, sizeof *gate->tenants);
	if (gate->tenants == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < gate->config->tenant_count && status == STATUS_OK; i++) {
		status = tenant_start(&gate->tenants[i], gate, &gate->config->tenants[i], &ship_wakes[i], err);
		gate->tenant_count++;
	}
	return status;
}

static void set_up_hosts(struct gate *gate)
{
	gate->callers = (struct conn_host){ .loop = &gate->loop, .service = &routes_service, .ctx = gate,
	                                    .config = gate->config, .tls = gate->callers.tls,
	                                    .max = max_connections(gate->config->tenant_count) };
	gate->admins = (struct conn_host){ .loop = &gate->loop, .service = &admin_service, .ctx = gate,
	                                   .config = gate->config, .max = MAX_ADMINS };
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

static void close_any(uv_handle_t *handle, void *unused)
{
	(void)unused;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

enum status gate_new(const struct sweeper_config *config, struct wake *ship_wakes, struct gate **ret_gate,
                     struct err *err)
{
	struct gate *gate = calloc(1, sizeof *gate);
	enum status status;

	if (gate == NULL || uv_loop_init(&gate->loop) != 0) {
		free(gate);
		return err_set(err, STATUS_NO_MEMORY, "cannot set up the loop");
	}
	gate->config = config;
	held_init(&gate->held);
	status = load_tls(config, &gate->callers.tls, err);
	set_up_hosts(gate);
	if (status == STATUS_OK)
		status = set_up_enrolment(gate, err);
	if (status == STATUS_OK)
		status = start_watches(gate, err);
	if (status == STATUS_OK)
		status = start_tenants(gate, ship_wakes, err);
	if (status == STATUS_OK)
		status = listener_start(&gate->listener, &gate->callers, config->listen, err);
	if (status == STATUS_OK)
		status = listener_start(&gate->admin_listener, &gate->admins, config->admin_listen, err);
	if (status == STATUS_OK) {
		*ret_gate = gate;
		return STATUS_OK;
	}
	for (size_t i = 0; i < gate->tenant_count; i++)
		(void)(gate->tenants[i].jobs == NULL || jobs_stop(gate->tenants[i].jobs, INT64_MAX));
	gate_free(gate);
	return status;
}

bool gate_run(struct gate *gate)
{
	int64_t end_mono_ms;
	bool all_ended = true;

	(void)uv_run(&gate->loop, UV_RUN_DEFAULT);
	listener_stop(&gate->listener);
	listener_stop(&gate->admin_listener);
	conn_stop_all(&gate->callers, "drain");
	conn_stop_all(&gate->admins, "drain");
	end_mono_ms = clock_mono_ms() + WORKERS_END_MS;
	for (size_t i = 0; i < gate->tenant_count; i++)
		all_ended = jobs_stop(gate->tenants[i].jobs, end_mono_ms) && all_ended;
	log_event(LOG_INFO, "gate.stopped", LOG_S("workers", all_ended ? "ended" : "hang in a database"));
	return all_ended;
}

void gate_free(struct gate *gate)
{
	if (gate == NULL)
		return;
	listener_stop(&gate->listener);
	listener_stop(&gate->admin_listener);
	conn_stop_all(&gate->callers, "drain");
	conn_stop_all(&gate->admins, "drain");
	for (size_t i = 0; i < gate->tenant_count; i++)
		tenant_close(&gate->tenants[i]);
	uv_walk(&gate->loop, close_any, NULL);
	(void)uv_run(&gate->loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&gate->loop);
	for (size_t i = 0; i < gate->tenant_count; i++)
		tenant_done(&gate->tenants[i]);
	free(gate->tenants);
	held_done(&gate->held);
	rate_free(gate->enroll_by_address);
	rate_free(gate->enroll_by_instance);
	issuer_unload();
	tls_server_unref(gate->callers.tls);
	free(gate);
}

void gate_notice(struct gate *gate, size_t tenant, struct span workspace_id)
{
	tenant_notice(&gate->tenants[tenant], workspace_id);
}

void gate_look(struct gate *gate, size_t tenant)
{
	tenant_look(&gate->tenants[tenant]);
}

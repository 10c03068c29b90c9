#include "sweeper/gate/lane.h"

#include <stdlib.h>

#include "shared/log.h"
#include "shared/stop.h"
#include "sweeper/gate/core.h"
#include "sweeper/gate/routes.h"

struct gate_tenant *lane_tenant(struct lane *lane, const struct tenant_config *config)
{
	return &lane->tenants[config - lane->config->tenants];
}

static void on_drain_over(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

static void on_connection_gone(struct conn_host *host)
{
	struct lane *lane = host->ctx;

	if (lane->draining && lane->callers.count == 0)
		uv_stop(&lane->loop);
}

static void on_stop(uv_poll_t *poll, int failed, int events)
{
	struct lane *lane = poll->data;

	(void)failed;
	(void)events;
	if (lane->draining)
		return;
	(void)uv_poll_stop(poll);
	lane->draining = true;
	log_event(LOG_INFO, "gate.draining", LOG_I("lane", lane->number), LOG_I("connections", lane->callers.count),
	          LOG_I("held", lane->held.count));
	listener_stop(&lane->listener);
	lane->callers.has_room = on_connection_gone;
	(void)uv_timer_start(&lane->drain_timer, on_drain_over, LIMIT_DRAIN_MS, 0);
	conn_drain(&lane->callers);
	on_connection_gone(&lane->callers);
}

/* Connections that are open keep the server they began with, and the new ones get the new one. */
static void on_renewed(uv_async_t *async)
{
	struct lane *lane = async->data;

	tls_server_unref(lane->callers.tls);
	lane->callers.tls = gate_tls(lane->gate);
}

static enum status start_handles(struct lane *lane, struct err *err)
{
	lane->stop_watch.data = lane;
	lane->renewed.data = lane;
	if (uv_poll_init(&lane->loop, &lane->stop_watch, stop_fd()) != 0 ||
	    uv_poll_start(&lane->stop_watch, UV_READABLE, on_stop) != 0 ||
	    uv_timer_init(&lane->loop, &lane->drain_timer) != 0 ||
	    uv_async_init(&lane->loop, &lane->renewed, on_renewed) != 0)
		return err_set(err, STATUS_SYSTEM, "cannot watch for signals");
	return STATUS_OK;
}

static enum status start_tenants(struct lane *lane, struct err *err)
{
	enum status status = STATUS_OK;

	lane->tenants = calloc(lane->config->tenant_count, sizeof *lane->tenants);
	if (lane->tenants == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < lane->config->tenant_count && status == STATUS_OK; i++) {
		status = tenant_start(&lane->tenants[i], lane, i, err);
		lane->tenant_count++;
	}
	return status;
}

enum status lane_init(struct lane *lane, struct gate *gate, size_t number, size_t max_connections, int fd,
                      struct err *err)
{
	enum status status;

	*lane = (struct lane){ .gate = gate, .config = gate->config, .number = number };
	if (uv_loop_init(&lane->loop) != 0)
		return err_set(err, STATUS_NO_MEMORY, "cannot set up a loop");
	lane->has_loop = true;
	held_init(&lane->held);
	conn_host_init(&lane->callers, &lane->loop, &routes_service, lane, max_connections);
	lane->callers.config = gate->config;
	lane->callers.tls = gate_tls(gate);
	status = start_handles(lane, err);
	if (status == STATUS_OK)
		status = start_tenants(lane, err);
	if (status == STATUS_OK)
		status = listener_start(&lane->listener, &lane->callers, fd, err);
	return status;
}

void lane_run(struct lane *lane)
{
	(void)uv_run(&lane->loop, UV_RUN_DEFAULT);
	listener_stop(&lane->listener);
	conn_stop_all(&lane->callers, "drain");
}

void lane_renew(struct lane *lane)
{
	(void)uv_async_send(&lane->renewed);
}

void lane_finish(struct lane *lane)
{
	for (size_t i = 0; i < lane->tenant_count; i++)
		tenant_finish(&lane->tenants[i]);
}

static void close_any(uv_handle_t *handle, void *unused)
{
	(void)unused;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

void lane_free(struct lane *lane)
{
	if (!lane->has_loop)
		return;
	listener_stop(&lane->listener);
	conn_stop_all(&lane->callers, "drain");
	for (size_t i = 0; i < lane->tenant_count; i++)
		tenant_close(&lane->tenants[i]);
	uv_walk(&lane->loop, close_any, NULL);
	(void)uv_run(&lane->loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&lane->loop);
	for (size_t i = 0; i < lane->tenant_count; i++)
		tenant_done(&lane->tenants[i]);
	free(lane->tenants);
	held_done(&lane->held);
	conn_host_done(&lane->callers);
	tls_server_unref(lane->callers.tls);
}

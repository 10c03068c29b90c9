/*
 * lane: one loop of the gate, with the connections that it accepted. There is one a core; a connection stays in its
 * lane, and what concerns an agent that is held comes into all lanes, of which each knows its own.
 *
 * Thread: the lane's, but for starting and ending, which is the gate's.
 */
#ifndef RESCUE_SWEEPER_GATE_LANE_H
#define RESCUE_SWEEPER_GATE_LANE_H

#include "sweeper/gate/held.h"
#include "sweeper/gate/listener.h"
#include "sweeper/gate/tenant.h"

struct gate;

struct lane {
	struct gate *gate;
	const struct sweeper_config *config;
	size_t number;              /* the first lane also does what is done once a process */
	uv_loop_t loop;
	bool has_loop;
	struct conn_host callers;   /* mutual TLS */
	struct listener listener;
	struct gate_tenant *tenants; /* in the order of the configuration */
	size_t tenant_count;
	struct held held;
	bool draining;
	uv_poll_t stop_watch;
	uv_timer_t drain_timer;
	uv_async_t renewed;         /* the gate has another tls_server */
};

/* `fd` is the listening socket, borrowed. After a failure lane_free is still due. */
enum status lane_init(struct lane *lane, struct gate *gate, size_t number, size_t max_connections, int fd,
                      struct err *err);
/* Serves until the process shall stop, then drains for LIMIT_DRAIN_MS at most. */
void lane_run(struct lane *lane);
/* After the workers have ended: what they finished is given back. */
void lane_finish(struct lane *lane);
void lane_free(struct lane *lane);

/* For any thread: new connections get the gate's present tls_server. */
void lane_renew(struct lane *lane);

/* The lane's side of a configured tenant. */
struct gate_tenant *lane_tenant(struct lane *lane, const struct tenant_config *config);

#endif

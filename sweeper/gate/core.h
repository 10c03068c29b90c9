/*
 * core: what the parts of the gate share. One struct gate a process; it belongs to the loop's thread.
 */
#ifndef RESCUE_SWEEPER_GATE_CORE_H
#define RESCUE_SWEEPER_GATE_CORE_H

#include "sweeper/gate/gate.h"
#include "sweeper/gate/held.h"
#include "sweeper/gate/listener.h"
#include "sweeper/gate/rate.h"
#include "sweeper/gate/tenant.h"

struct gate {
	const struct sweeper_config *config;
	uv_loop_t loop;
	struct conn_host callers;  /* mutual TLS */
	struct conn_host admins;   /* plain, on the admin address */
	struct listener listener, admin_listener;
	struct gate_tenant *tenants; /* in the order of the configuration */
	size_t tenant_count;
	struct held held;
	struct rate *enroll_by_address, *enroll_by_instance; /* NULL when enrolment is off */
	bool draining;
	uv_poll_t stop_watch, reload_watch;
	uv_timer_t drain_timer;
};

/* The gate's side of a configured tenant. */
struct gate_tenant *gate_tenant(struct gate *gate, const struct tenant_config *config);

#endif

/*
 * tenant: the gate's side of one tenant: its workers, what its listen thread heard, how its database is doing, and
 * the poll that finds what no notification told.
 *
 * Thread: the loop's; tenant_notice and tenant_look are for any.
 */
#ifndef RESCUE_SWEEPER_GATE_TENANT_H
#define RESCUE_SWEEPER_GATE_TENANT_H

#include <pthread.h>

#include "sweeper/gate/deliveries.h"
#include "sweeper/gate/jobs.h"
#include "sweeper/gate/ticket_keys.h"
#include "sweeper/wake.h"

struct lane;

struct gate_tenant {
	struct lane *lane;
	size_t index;              /* of the tenant */
	const struct tenant_config *config;
	struct wake *ship_wake;
	struct jobs_end *jobs;
	struct ticket_keys keys;   /* in the first lane */
	struct deliveries deliveries;
	size_t held_count;         /* agents that wait */
	bool probing, scanning;    /* a job of this kind is on its way */
	bool scan_again;           /* asked for while one was on its way */
	bool schema_ok;            /* the schema was there and of this version */
	bool is_up;                /* the last probe was answered */
	bool was_probed;
	int64_t answered_mono_ms;  /* when */
	int64_t probed_mono_ms;
	bool has_handles;
	uv_timer_t tick;
	uv_async_t heard;
	pthread_mutex_t lock;      /* guards the mailbox below */
	struct notice {
		char workspace_id[LIMIT_WORKSPACE_ID + 1];
	} *notices;                /* LIMIT_NOTICES */
	size_t notice_count;
	bool look;                 /* more than fits, or notifications were lost */
};

enum status tenant_start(struct gate_tenant *tenant, struct lane *lane, size_t index, struct err *err);
/* Gives back what the workers finished, after they have been stopped. */
void tenant_finish(struct gate_tenant *tenant);
/* Closes the handles. Safe when it was never started. */
void tenant_close(struct gate_tenant *tenant);
void tenant_done(struct gate_tenant *tenant);

void tenant_notice(struct gate_tenant *tenant, struct span workspace_id);
void tenant_look(struct gate_tenant *tenant);

/* True when the database answered lately and has our schema. */
bool tenant_is_ready(const struct gate_tenant *tenant);

#endif

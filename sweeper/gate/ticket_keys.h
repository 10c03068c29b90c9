/*
 * ticket_keys: brings the keys of a tenant's session tickets from its database into the gate, again and again, so that
 * every replica has the keys of all others and none is used for longer than its time.
 *
 * Thread: the first lane's; ticket_keys_wait is for whoever starts the lanes.
 */
#ifndef RESCUE_SWEEPER_GATE_TICKET_KEYS_H
#define RESCUE_SWEEPER_GATE_TICKET_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gate;
struct gate_tenant;

struct ticket_keys {
	bool fetching;
	int64_t due_mono_ms;
};

/* Fetches them now; while the database is down those that are there stay. */
void ticket_keys_fetch(struct gate_tenant *tenant);

/* From the tenant's tick. */
void ticket_keys_tick(struct gate_tenant *tenant, int64_t now_mono_ms);

/*
 * Before the lanes run: fetches the keys of all tenants, and waits a little for them, so that the crowd which comes back
 * after a restart can resume its sessions.
 */
void ticket_keys_fetch_first(struct gate *gate);

#endif

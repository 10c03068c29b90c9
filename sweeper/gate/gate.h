/*
 * gate: the sweeper's door. Mutual TLS for agents, the control plane and operators, plain HTTP for the machine's
 * own watchers, on one loop a core (lane.h).
 *
 * Thread: gate_new, gate_run and gate_free belong to one thread, the first loop's. gate_notice and gate_look are for any.
 */
#ifndef RESCUE_SWEEPER_GATE_GATE_H
#define RESCUE_SWEEPER_GATE_GATE_H

#include "sweeper/config.h"
#include "sweeper/wake.h"

struct gate;

/*
 * Reads the certificates, binds both addresses, starts the tenants' job threads. `ship_wakes` has one for each tenant,
 * in the configuration's order; both are borrowed. The words of a failure name the file or the address.
 */
enum status gate_new(const struct sweeper_config *config, struct wake *ship_wakes, struct gate **ret_gate,
                     struct err *err);

/*
 * Serves until the process shall stop (shared/stop.h), then drains for LIMIT_DRAIN_MS at most. False when a worker still
 * hangs in its database: the gate must not be freed then, only the process ended.
 */
bool gate_run(struct gate *gate);
void gate_free(struct gate *gate);

/* There may be an order for this workspace of the tenant with this index. */
void gate_notice(struct gate *gate, size_t tenant, struct span workspace_id);
/* Notifications of this tenant may have been lost: look at all held agents. */
void gate_look(struct gate *gate, size_t tenant);

#endif

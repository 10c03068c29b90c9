/*
 * tenant_threads: the threads that work for one tenant beside the gate: sweep, webhook, ship, and the one that
 * listens for the database's notifications.
 *
 * Thread: start and join belong to one thread. All of them end when the process shall stop (shared/stop.h).
 */
#ifndef RESCUE_SWEEPER_TENANT_THREADS_H
#define RESCUE_SWEEPER_TENANT_THREADS_H

#include <pthread.h>

#include "sweeper/console/console.h"
#include "sweeper/gate/gate.h"
#include "sweeper/ship/ship.h"
#include "sweeper/verdict/sweep.h"
#include "sweeper/verdict/webhook.h"

enum { TENANT_THREADS = 5 };

struct tenant_threads {
	const struct sweeper_config *config;
	const struct tenant_config *tenant;
	size_t index;              /* of the tenant */
	struct gate *gate;
	struct wake *ship_wake;
	struct sweep *sweep;
	struct webhook *webhook;   /* NULL when none is configured */
	struct ledger *listen_ledger;
	struct ship_options ship;
	pthread_t threads[TENANT_THREADS];
	size_t started;
};

/* config, tenant, index, gate and ship_wake are set. The struct must not move. */
enum status tenant_threads_start(struct tenant_threads *threads, struct err *err);

/* A stop has been asked for. False when a thread still runs at `until_mono_ms`: nothing may be freed then. */
bool tenant_threads_join(struct tenant_threads *threads, int64_t until_mono_ms);
/* After a join that was true, or a start that failed and its join. */
void tenant_threads_done(struct tenant_threads *threads);

#endif

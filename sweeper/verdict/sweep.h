/*
 * sweep: the loop that finds rows which are `provisioning` for longer than they may, and flips them.
 *
 * It stands at the start of the data's way: one verdict makes one capture order. It writes nothing but verdicts
 * and forgets what nobody has asked for in a week; it never stops, deletes or reaps anything.
 * One struct sweep a tenant, with a database connection of its own.
 * Thread: one at a time for each struct sweep; calls block.
 */
#ifndef RESCUE_SWEEPER_VERDICT_SWEEP_H
#define RESCUE_SWEEPER_VERDICT_SWEEP_H

#include <stdint.h>

#include "sweeper/config.h"
#include "sweeper/wake.h"

struct sweep;

/* Everything is borrowed and must outlive the struct sweep. */
struct sweep_options {
	const struct sweeper_config *config;
	const struct tenant_config *tenant;
	struct wake *ship_wake; /* raised after verdicts; NULL for none */
};

/* No I/O. */
enum status sweep_new(const struct sweep_options *options, struct sweep **ret_sweep, struct err *err);
void sweep_free(struct sweep *sweep);

/*
 * Flips all rows that are overdue now, batch by batch, and logs each verdict. *ret_flipped is how many, also when a
 * later batch failed. STATUS_STOPPED when a stop was asked for between two batches.
 */
enum status sweep_once(struct sweep *sweep, int64_t *ret_flipped, struct err *err);

/* Sweeps every interval until the process shall stop (shared/stop.h). Failures are logged and retried with backoff. */
void sweep_loop(struct sweep *sweep);

#endif

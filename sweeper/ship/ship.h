/*
 * ship: brings stored bundles to the sinks. It stands at the end of the data's way: claim from the ledger, push,
 * tell the ledger. A bundle is owed to every configured sink; one that fails does not hold the others up.
 *
 * Nothing is ever dropped here: what a sink does not take stays in the ledger and is tried again with backoff. A
 * claimed capture is leased, so that what a killed process had in its hands is due again when the lease ends.
 *
 * Each call opens a database connection of its own and its own connections to the sinks.
 */
#ifndef RESCUE_SWEEPER_SHIP_SHIP_H
#define RESCUE_SWEEPER_SHIP_SHIP_H

#include "sweeper/config.h"
#include "sweeper/wake.h"

struct ship_options {
	const struct sweeper_config *config;
	const struct tenant_config *tenant;
	struct wake *wake; /* raised when a bundle was stored; without it the table is looked at every 2 seconds */
};

/*
 * Works for one tenant until stop_wanted (shared/stop.h): ships, notes the captures for which no agent came as
 * unreachable, keeps the backlog gauges, and clears bundles whose grace is over after they were shipped.
 * Blocks; runs on a thread of its own, one or more for each tenant. `options` must outlive the call.
 * fetch_global_init and stop_init have run before.
 */
void ship_loop(const struct ship_options *options);

#endif

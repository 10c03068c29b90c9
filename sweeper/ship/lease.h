/*
 * lease: holds on to claimed captures while a sink works on them, however slow the sink is.
 *
 * A sink calls lease_keep before each request. Once a lease may have run out, nothing more is sent until the
 * ledger has confirmed it: another replica could be at work on the same capture, under newer timestamps.
 * Thread: belongs to the thread of its ship_loop.
 */
#ifndef RESCUE_SWEEPER_SHIP_LEASE_H
#define RESCUE_SWEEPER_SHIP_LEASE_H

#include "sweeper/ship/cargo.h"

enum {
#ifdef RESCUE_FAILPOINTS
	LEASE_S = 6, /* tests wait for their end */
	LEASE_RENEW_MS = 1000,
	LEASE_REQUEST_MS = 4 * 1000,
#else
	LEASE_S = 20, /* so long does what a killed sweeper had in hand wait for another */
	LEASE_RENEW_MS = 3 * 1000,
	/* Longest time that one request of a sink may take: a lease that is not renewed before it yet outlives it. */
	LEASE_REQUEST_MS = 15 * 1000,
#endif
};

struct lease {
	struct ledger *ledger;
	const char *owner;
	struct cargo **cargos; /* those still in hand; a lost one is marked is_lost and skipped from then on */
	size_t count;
	int64_t renewed_mono_ms;
};

/*
 * Renews the lease of every cargo in hand when that is due. STATUS_UNAVAILABLE when the ledger did not answer and the
 * leases are too old to go on with. Lost cargos are not an error.
 */
enum status lease_keep(struct lease *lease, struct err *err);

/*
 * Commits new timestamps for the cargo and puts them into it. STATUS_CONFLICT: the lease is lost, the cargo is marked.
 */
enum status lease_rebase(struct lease *lease, struct cargo *cargo, struct err *err);

#endif

/*
 * held: the agents that wait for an order, found by tenant and workspace.
 *
 * Entries are embedded in what waits; the table owns only its buckets. One workspace may wait more than once: an
 * agent that reconnected before its old connection was noticed to be dead.
 * Thread: the loop's.
 */
#ifndef RESCUE_SWEEPER_GATE_HELD_H
#define RESCUE_SWEEPER_GATE_HELD_H

#include "shared/span.h"
#include "shared/status.h"

struct held_entry {
	struct held_entry *next;
	const void *tenant;      /* compared by address */
	struct span workspace_id; /* borrowed: lives in what embeds the entry */
	uint64_t hash;
};

struct held {
	struct held_entry **buckets;
	size_t bucket_count; /* a power of two, or 0 before the first entry */
	size_t count;
	uint64_t seed;       /* random, so that nobody can choose ids that fall into one bucket */
};

void held_init(struct held *held);
void held_done(struct held *held);

/* `tenant` and `workspace_id` of the entry are set. STATUS_NO_MEMORY: it is not in the table. */
enum status held_add(struct held *held, struct held_entry *entry);
/* The entry is in the table. */
void held_remove(struct held *held, struct held_entry *entry);

/* The next entry of this workspace after `after` (NULL: the first); NULL when there is no more. */
struct held_entry *held_find(const struct held *held, const void *tenant, struct span workspace_id,
                             const struct held_entry *after);

#endif

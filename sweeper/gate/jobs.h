/*
 * jobs: the ledger blocks and a loop must not, so work on a tenant's database is done by a few threads of that
 * tenant, each with a connection of its own. A database that hangs holds up its own tenant only.
 *
 *   loop: jobs_submit ──queue──▶ worker: job->work ──queue──▶ loop: job->done
 *
 * Thread: everything but `work` runs on the loop's thread. `work` may touch the job alone.
 * Owner: a submitted job belongs to the pool until `done` is called, exactly once.
 */
#ifndef RESCUE_SWEEPER_GATE_JOBS_H
#define RESCUE_SWEEPER_GATE_JOBS_H

#include <uv.h>

#include "sweeper/ledger/ledger.h"

struct job {
	void (*work)(struct job *job, struct ledger *ledger); /* on a worker; may block */
	void (*done)(struct job *job);                        /* on the loop; may free the job */
	struct job *next;                                     /* the pool's */
};

struct jobs; /* one tenant's pool */

/* Starts `workers` threads. Keeps pointers into `config`. */
enum status jobs_new(uv_loop_t *loop, const struct sweeper_config *config, const struct tenant_config *tenant,
                     size_t workers, struct jobs **ret_jobs, struct err *err);

/* STATUS_UNAVAILABLE when the queue is full (LIMIT_JOBS_QUEUED): the job stays the caller's. */
enum status jobs_submit(struct jobs *jobs, struct job *job);

/*
 * Ends the pool: waits for the workers at most until `until_mono_ms`, calls `done` of what is finished, drops the rest
 * of the queue through `done` without having worked on it (job->work is NULL then). False when a worker still
 * hangs in the database: the pool must then stay as it is until the process ends.
 */
bool jobs_stop(struct jobs *jobs, int64_t until_mono_ms);

/* After jobs_stop: closes the pool's handle; the memory goes when the loop has run once more. */
void jobs_close(struct jobs *jobs);

#endif

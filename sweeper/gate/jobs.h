/*
 * jobs: the ledger blocks and a loop must not, so work on a tenant's database is done by a few threads of that
 * tenant, each with a connection of its own. A database that hangs holds up its own tenant only. All loops share the
 * pool of a tenant; each has its own end of it, where its jobs come back.
 *
 *   loop: jobs_submit ──queue──▶ worker: job->work ──queue──▶ the same loop: job->done
 *
 * Thread: a pool belongs to the thread that starts and ends the loops, an end to its loop's. `work` runs on a worker and
 * may touch the job alone.
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
	struct jobs_end *end;                                 /* the pool's */
};

struct jobs;     /* one tenant's pool */
struct jobs_end; /* one loop's end of it */

/* Starts `workers` threads. Keeps pointers into `config`. */
enum status jobs_new(const struct sweeper_config *config, const struct tenant_config *tenant, size_t workers,
                     struct jobs **ret_jobs, struct err *err);

/*
 * After the loops have ended: waits for the workers at most until `until_mono_ms` and drops the rest of the queue through
 * `done` without having worked on it (job->work is NULL then); jobs_end_finish gives the rest back. False when a worker
 * still hangs in the database: the pool must then stay as it is until the process ends.
 */
bool jobs_stop(struct jobs *jobs, int64_t until_mono_ms);
/* After jobs_stop and all jobs_end_close. NULL is fine. */
void jobs_free(struct jobs *jobs);

enum status jobs_end_new(struct jobs *jobs, uv_loop_t *loop, struct jobs_end **ret_end, struct err *err);
/* Calls `done` of what is finished. */
void jobs_end_finish(struct jobs_end *end);
/* Closes its handle; the memory goes when the loop has run once more. NULL is fine. */
void jobs_end_close(struct jobs_end *end);

/* STATUS_UNAVAILABLE when the queue is full (LIMIT_JOBS_QUEUED): the job stays the caller's. */
enum status jobs_submit(struct jobs_end *end, struct job *job);

#endif

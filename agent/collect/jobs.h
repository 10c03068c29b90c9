/*
 * jobs: the threads of one collection and what they share.
 *
 * Each job has a thread. The state is counted: a thread that hangs is left behind with its reference, and whoever
 * lets go last frees everything. A job's result belongs to its thread until the job is done, then to the collector.
 */
#ifndef RESCUE_AGENT_COLLECT_JOBS_H
#define RESCUE_AGENT_COLLECT_JOBS_H

#include <pthread.h>

#include "agent/collect/container_view.h"
#include "agent/collect/section.h"

/* What is no section but belongs to the verdict. */
struct job_facts {
	struct raw_text first_error;
	struct raw_text boot_id;
	int64_t uptime_s; /* -1: unknown */
};

struct jobs;

struct job {
	struct jobs *jobs;
	const char *name; /* NULL: not a section that is wanted */
	/* One of these. */
	void (*plain)(const struct plan *plan, struct section_result *result);
	void (*docker)(const struct plan *plan, struct container_view *view, struct section_result *result);
	const struct plan_extra *extra;
	void (*facts)(const struct plan *plan, struct job_facts *facts);
	bool is_done;
	struct section_result result;
	int64_t took_ms;
};

enum { JOBS_MAX = LIMIT_SECTIONS + 2 };

struct jobs {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* by CLOCK_MONOTONIC */
	size_t references;
	struct plan *plan;
	struct container_view view;
	struct job_facts facts;
	struct job items[JOBS_MAX];
	size_t count;
};

/* Takes the plan, also on failure. STATUS_NO_MEMORY. */
enum status jobs_new(struct plan *plan, struct jobs **ret_jobs, struct err *err);

/* Lets go. NULL is fine. */
void jobs_release(struct jobs *jobs);

/* The next job, to be filled in, or NULL when there are too many. */
struct job *jobs_add(struct jobs *jobs);

/* Starts all jobs and waits until they are done or the sections' time is over. */
void jobs_run(struct jobs *jobs);

/* Whether the job is done; then its result may be taken. */
bool jobs_is_done(struct jobs *jobs, const struct job *job);

#endif

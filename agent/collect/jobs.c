#include "agent/collect/jobs.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "shared/clock.h"

/* musl's default is too small; deeply nested JSON needs most. Only what is touched costs memory. */
enum { STACK_BYTES = 2 * 1024 * 1024 };

static int init_locks(struct jobs *jobs)
{
	pthread_condattr_t attr;
	int failed = pthread_condattr_init(&attr);

	if (failed != 0)
		return failed;
	failed = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (failed == 0)
		failed = pthread_cond_init(&jobs->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	if (failed == 0 && (failed = pthread_mutex_init(&jobs->lock, NULL)) != 0)
		(void)pthread_cond_destroy(&jobs->changed);
	return failed;
}

enum status jobs_new(struct plan *plan, struct jobs **ret_jobs, struct err *err)
{
	struct jobs *jobs = calloc(1, sizeof *jobs);

	*ret_jobs = NULL;
	if (jobs == NULL || container_view_init(&jobs->view) != STATUS_OK) {
		free(jobs);
		plan_free(plan);
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	}
	if (init_locks(jobs) != 0) {
		container_view_done(&jobs->view);
		free(jobs);
		plan_free(plan);
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	}
	jobs->references = 1;
	jobs->plan = plan;
	jobs->facts.uptime_s = -1;
	raw_text_init(&jobs->facts.first_error, LIMIT_SECTION_CONTEXT + LIMIT_FIRST_ERROR_LINE);
	raw_text_init(&jobs->facts.boot_id, LIMIT_SECTION_CONTEXT);
	*ret_jobs = jobs;
	return STATUS_OK;
}

static void free_jobs(struct jobs *jobs)
{
	for (size_t i = 0; i < jobs->count; i++)
		section_done(&jobs->items[i].result);
	raw_text_done(&jobs->facts.first_error);
	raw_text_done(&jobs->facts.boot_id);
	container_view_done(&jobs->view);
	plan_free(jobs->plan);
	(void)pthread_cond_destroy(&jobs->changed);
	(void)pthread_mutex_destroy(&jobs->lock);
	free(jobs);
}

void jobs_release(struct jobs *jobs)
{
	bool is_last;

	if (jobs == NULL)
		return;
	(void)pthread_mutex_lock(&jobs->lock);
	is_last = --jobs->references == 0;
	(void)pthread_mutex_unlock(&jobs->lock);
	if (is_last)
		free_jobs(jobs);
}

struct job *jobs_add(struct jobs *jobs)
{
	struct job *job;

	if (jobs->count == JOBS_MAX)
		return NULL;
	job = &jobs->items[jobs->count++];
	job->jobs = jobs;
	section_init(&job->result);
	return job;
}

static void finish_job(struct job *job, int64_t took_ms)
{
	struct jobs *jobs = job->jobs;

	if (buf_status(&job->result.content.bytes) != STATUS_OK)
		section_set(&job->result, OUTCOME_ERROR, "(cannot be collected: %s)",
		            status_name(buf_status(&job->result.content.bytes)));
	(void)pthread_mutex_lock(&jobs->lock);
	job->took_ms = took_ms;
	job->is_done = true;
	(void)pthread_cond_signal(&jobs->changed);
	(void)pthread_mutex_unlock(&jobs->lock);
}

static void *job_main(void *ctx)
{
	struct job *job = ctx;
	struct jobs *jobs = job->jobs;
	int64_t start_ms = clock_mono_ms();

	if (job->plain != NULL)
		job->plain(jobs->plan, &job->result);
	else if (job->docker != NULL)
		job->docker(jobs->plan, &jobs->view, &job->result);
	else if (job->extra != NULL)
		section_extra(jobs->plan, job->extra, &job->result);
	else
		job->facts(jobs->plan, &jobs->facts);
	finish_job(job, clock_mono_ms() - start_ms);
	jobs_release(jobs);
	return NULL;
}

static void start_job(struct jobs *jobs, struct job *job, const pthread_attr_t *attr)
{
	pthread_t thread;
	int failed;

	(void)pthread_mutex_lock(&jobs->lock);
	jobs->references++;
	(void)pthread_mutex_unlock(&jobs->lock);
	failed = pthread_create(&thread, attr, job_main, job);
	if (failed == 0)
		return;
	section_set(&job->result, OUTCOME_ERROR, "(cannot be collected: no thread can be started)");
	finish_job(job, 0);
	jobs_release(jobs);
}

static bool all_done(const struct jobs *jobs)
{
	for (size_t i = 0; i < jobs->count; i++) {
		if (!jobs->items[i].is_done)
			return false;
	}
	return true;
}

void jobs_run(struct jobs *jobs)
{
	int64_t until_ms = jobs->plan->section_end_mono_ms;
	struct timespec until = { .tv_sec = (time_t)(until_ms / 1000), .tv_nsec = (long)(until_ms % 1000) * 1000000 };
	pthread_attr_t attr;
	int result = 0;

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (size_t i = 0; i < jobs->count; i++)
		start_job(jobs, &jobs->items[i], &attr);
	(void)pthread_attr_destroy(&attr);
	(void)pthread_mutex_lock(&jobs->lock);
	while (!all_done(jobs) && result != ETIMEDOUT)
		result = pthread_cond_timedwait(&jobs->changed, &jobs->lock, &until);
	(void)pthread_mutex_unlock(&jobs->lock);
}

bool jobs_is_done(struct jobs *jobs, const struct job *job)
{
	bool is_done;

	(void)pthread_mutex_lock(&jobs->lock);
	is_done = job->is_done;
	(void)pthread_mutex_unlock(&jobs->lock);
	return is_done;
}

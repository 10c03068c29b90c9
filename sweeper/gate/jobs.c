#include "sweeper/gate/jobs.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "shared/clock.h"

struct queue {
	struct job *first;
	struct job **end; /* where the next one is linked in */
	size_t count;
};

struct jobs_end {
	struct jobs *jobs;
	struct queue finished; /* guarded by the pool's lock */
	uv_async_t finished_there;
};

struct jobs {
	pthread_mutex_t lock; /* guards the queues and `stopping` */
	pthread_cond_t work_there;
	struct queue waiting;
	bool stopping;
	size_t worker_count;
	struct worker {
		struct jobs *jobs;
		struct ledger *ledger;
		pthread_t thread;
		bool started;
	} workers[];
};

static void queue_init(struct queue *queue)
{
	*queue = (struct queue){ .first = NULL, .end = &queue->first, .count = 0 };
}

static void queue_put(struct queue *queue, struct job *job)
{
	job->next = NULL;
	*queue->end = job;
	queue->end = &job->next;
	queue->count++;
}

static struct job *queue_take(struct queue *queue)
{
	struct job *job = queue->first;

	if (job == NULL)
		return NULL;
	queue->first = job->next;
	if (queue->first == NULL)
		queue->end = &queue->first;
	queue->count--;
	return job;
}

/* Waits for a job; NULL when the pool ends. */
static struct job *next_job(struct jobs *jobs)
{
	struct job *job;

	(void)pthread_mutex_lock(&jobs->lock);
	while (!jobs->stopping && jobs->waiting.first == NULL)
		(void)pthread_cond_wait(&jobs->work_there, &jobs->lock);
	job = jobs->stopping ? NULL : queue_take(&jobs->waiting);
	(void)pthread_mutex_unlock(&jobs->lock);
	return job;
}

static void *work_on(void *ctx)
{
	struct worker *worker = ctx;
	struct jobs *jobs = worker->jobs;
	struct job *job;

	while ((job = next_job(jobs)) != NULL) {
		struct jobs_end *end = job->end;

		job->work(job, worker->ledger);
		(void)pthread_mutex_lock(&jobs->lock);
		queue_put(&end->finished, job);
		(void)pthread_mutex_unlock(&jobs->lock);
		(void)uv_async_send(&end->finished_there);
	}
	return NULL;
}

/* Each is taken with the lock and called without it, since `done` may submit the next one. */
void jobs_end_finish(struct jobs_end *end)
{
	for (;;) {
		struct job *job;

		(void)pthread_mutex_lock(&end->jobs->lock);
		job = queue_take(&end->finished);
		(void)pthread_mutex_unlock(&end->jobs->lock);
		if (job == NULL)
			return;
		job->done(job);
	}
}

static void on_finished(uv_async_t *async)
{
	jobs_end_finish(async->data);
}

static enum status start_workers(struct jobs *jobs, const struct sweeper_config *config,
                                 const struct tenant_config *tenant, struct err *err)
{
	for (size_t i = 0; i < jobs->worker_count; i++) {
		struct worker *worker = &jobs->workers[i];
		enum status status = ledger_new(config, tenant, &worker->ledger);

		if (status != STATUS_OK)
			return err_set(err, status, "cannot set up the ledger of %s: %s", tenant->org, status_name(status));
		worker->jobs = jobs;
		errno = pthread_create(&worker->thread, NULL, work_on, worker);
		if (errno != 0)
			return err_set_errno(err, "cannot start a thread for %s", tenant->org);
		worker->started = true;
	}
	return STATUS_OK;
}

enum status jobs_new(const struct sweeper_config *config, const struct tenant_config *tenant, size_t workers,
                     struct jobs **ret_jobs, struct err *err)
{
	struct jobs *jobs = calloc(1, sizeof *jobs + workers * sizeof jobs->workers[0]);
	enum status status;

	if (jobs == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	queue_init(&jobs->waiting);
	(void)pthread_mutex_init(&jobs->lock, NULL);
	(void)pthread_cond_init(&jobs->work_there, NULL);
	jobs->worker_count = workers;
	status = start_workers(jobs, config, tenant, err);
	if (status == STATUS_OK) {
		*ret_jobs = jobs;
		return STATUS_OK;
	}
	/* Nothing was submitted yet, so that no worker can hang. */
	if (jobs_stop(jobs, INT64_MAX))
		jobs_free(jobs);
	return status;
}

enum status jobs_end_new(struct jobs *jobs, uv_loop_t *loop, struct jobs_end **ret_end, struct err *err)
{
	struct jobs_end *end = calloc(1, sizeof *end);

	if (end == NULL || uv_async_init(loop, &end->finished_there, on_finished) != 0) {
		free(end);
		return err_set(err, STATUS_SYSTEM, "cannot set up the loop's wake-up");
	}
	end->jobs = jobs;
	end->finished_there.data = end;
	queue_init(&end->finished);
	*ret_end = end;
	return STATUS_OK;
}

enum status jobs_submit(struct jobs_end *end, struct job *job)
{
	struct jobs *jobs = end->jobs;
	enum status status = STATUS_OK;

	job->end = end;
	(void)pthread_mutex_lock(&jobs->lock);
	if (jobs->stopping || jobs->waiting.count >= LIMIT_JOBS_QUEUED)
		status = STATUS_UNAVAILABLE;
	else
		queue_put(&jobs->waiting, job);
	(void)pthread_mutex_unlock(&jobs->lock);
	if (status == STATUS_OK)
		(void)pthread_cond_signal(&jobs->work_there);
	return status;
}

/* pthread_timedjoin_np(3) counts in real time; a clock set back makes the wait longer, never endless. */
static bool join_until(pthread_t thread, int64_t until_mono_ms)
{
	int64_t left_ms = until_mono_ms == INT64_MAX ? 3600 * 1000 : until_mono_ms - clock_mono_ms();
	int64_t end_ns = clock_real_ns() + (left_ms < 0 ? 0 : left_ms) * 1000000;
	struct timespec end = { .tv_sec = end_ns / 1000000000, .tv_nsec = end_ns % 1000000000 };

	return pthread_timedjoin_np(thread, NULL, &end) == 0;
}

bool jobs_stop(struct jobs *jobs, int64_t until_mono_ms)
{
	bool all_ended = true;
	struct job *job;

	(void)pthread_mutex_lock(&jobs->lock);
	jobs->stopping = true;
	(void)pthread_mutex_unlock(&jobs->lock);
	(void)pthread_cond_broadcast(&jobs->work_there);
	for (size_t i = 0; i < jobs->worker_count; i++) {
		struct worker *worker = &jobs->workers[i];

		if (worker->started && join_until(worker->thread, until_mono_ms))
			worker->started = false;
		all_ended = all_ended && !worker->started;
	}
	while ((job = queue_take(&jobs->waiting)) != NULL) {
		job->work = NULL;
		job->done(job);
	}
	return all_ended;
}

void jobs_free(struct jobs *jobs)
{
	if (jobs == NULL)
		return;
	for (size_t i = 0; i < jobs->worker_count; i++)
		ledger_free(jobs->workers[i].ledger);
	(void)pthread_mutex_destroy(&jobs->lock);
	(void)pthread_cond_destroy(&jobs->work_there);
	free(jobs);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void jobs_end_close(struct jobs_end *end)
{
	if (end != NULL)
		uv_close((uv_handle_t *)&end->finished_there, on_closed);
}

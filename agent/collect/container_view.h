/*
 * container_view: the box's containers as one thread finds them out and others wait for: the Engine's, or when it
 * does not answer, those on disk; and which of them is the agent's.
 *
 * It is filled once and then immutable. Thread: container_view_fill by one, container_view_wait by any.
 */
#ifndef RESCUE_AGENT_COLLECT_CONTAINER_VIEW_H
#define RESCUE_AGENT_COLLECT_CONTAINER_VIEW_H

#include <pthread.h>

#include "agent/collect/container.h"
#include "agent/collect/engine.h"
#include "agent/collect/plan.h"

struct container_view {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* by CLOCK_MONOTONIC */
	bool is_filled;
	/* Behind is_filled: */
	bool is_from_disk;               /* the Engine did not answer */
	struct container_list list;
	struct container *chosen;        /* in the list; NULL: none */
	const char *rule;                /* a literal; NULL: none */
	enum status engine_status;
	struct err engine_err;           /* why the Engine's answer is not there */
};

/* STATUS_NO_MEMORY or STATUS_SYSTEM. */
enum status container_view_init(struct container_view *view);
void container_view_done(struct container_view *view);

/*
 * Finds everything out by plan->engine_end_mono_ms and wakes who waits. *ret_engine is for further questions, NULL
 * when it cannot be asked any.
 */
void container_view_fill(struct container_view *view, const struct plan *plan, struct engine **ret_engine);

/* Waits until it is filled, or the section's time is nearly over: false. */
bool container_view_wait(struct container_view *view, const struct plan *plan);

/* Whether it is filled by now. */
bool container_view_is_filled(struct container_view *view);

#endif

#include "agent/collect/container_view.h"

#include <errno.h>
#include <time.h>

#include "agent/collect/container_choice.h"
#include "agent/collect/container_disk.h"

/* What a waiting section needs to say that it waited in vain, before it is left behind itself. */
enum { SPARE_MS = 50 };

enum status container_view_init(struct container_view *view)
{
	pthread_condattr_t attr;
	int failed;

	*view = (struct container_view){ 0 };
	if (pthread_mutex_init(&view->lock, NULL) != 0)
		return STATUS_NO_MEMORY;
	failed = pthread_condattr_init(&attr);
	if (failed == 0) {
		failed = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
		if (failed == 0)
			failed = pthread_cond_init(&view->changed, &attr);
		(void)pthread_condattr_destroy(&attr);
	}
	if (failed == 0)
		return STATUS_OK;
	(void)pthread_mutex_destroy(&view->lock);
	return STATUS_NO_MEMORY;
}

void container_view_done(struct container_view *view)
{
	container_list_done(&view->list);
	(void)pthread_cond_destroy(&view->changed);
	(void)pthread_mutex_destroy(&view->lock);
}

static void choose(struct container_view *view, const struct plan *plan)
{
	struct container_wish wish = {
		.label = plan->label,
		.name = plan->name,
		.image = plan->image,
		.workspace_id = plan->workspace_id,
	};

	view->chosen = container_choose(&view->list, &wish, &view->rule);
}

static enum status ask_engine(struct container_view *view, const struct plan *plan, struct engine **ret_engine)
{
	enum status status = engine_new(plan, ret_engine, &view->engine_err);

	if (status == STATUS_OK)
		status = engine_list(*ret_engine, &view->list, &view->engine_err);
	return status;
}

/* Without details there are still name, state and exit code from the list; on disk may be the rest. */
static void inspect(struct container_view *view, const struct plan *plan, struct engine *engine)
{
	struct container_list on_disk;

	if (view->chosen == NULL || engine_inspect(engine, view->chosen, NULL) == STATUS_OK)
		return;
	if (container_disk_list(plan->root, &on_disk, NULL) != STATUS_OK)
		return;
	for (size_t i = 0; i < on_disk.count; i++) {
		if (on_disk.items[i].has_details && strcmp(on_disk.items[i].id, view->chosen->id) == 0) {
			struct container listed = *view->chosen;
			char *no_status = on_disk.items[i].status;

			/* Only the list has a status for people. */
			*view->chosen = on_disk.items[i];
			view->chosen->status = listed.status;
			listed.status = no_status;
			on_disk.items[i] = listed;
			break;
		}
	}
	container_list_done(&on_disk);
}

void container_view_fill(struct container_view *view, const struct plan *plan, struct engine **ret_engine)
{
	*ret_engine = NULL;
	view->engine_status = ask_engine(view, plan, ret_engine);
	if (view->engine_status == STATUS_OK) {
		choose(view, plan);
		inspect(view, plan, *ret_engine);
	} else {
		engine_free(*ret_engine);
		*ret_engine = NULL;
		view->is_from_disk = true;
		/* Nothing on disk either is no further news: the list stays empty. */
		if (container_disk_list(plan->root, &view->list, NULL) == STATUS_OK)
			choose(view, plan);
	}
	(void)pthread_mutex_lock(&view->lock);
	view->is_filled = true;
	(void)pthread_cond_broadcast(&view->changed);
	(void)pthread_mutex_unlock(&view->lock);
}

bool container_view_wait(struct container_view *view, const struct plan *plan)
{
	int64_t until_ms = plan->section_end_mono_ms - SPARE_MS;
	struct timespec until = { .tv_sec = (time_t)(until_ms / 1000), .tv_nsec = (long)(until_ms % 1000) * 1000000 };
	bool is_filled;
	int result = 0;

	(void)pthread_mutex_lock(&view->lock);
	while (!view->is_filled && result != ETIMEDOUT)
		result = pthread_cond_timedwait(&view->changed, &view->lock, &until);
	is_filled = view->is_filled;
	(void)pthread_mutex_unlock(&view->lock);
	return is_filled;
}

bool container_view_is_filled(struct container_view *view)
{
	bool is_filled;

	(void)pthread_mutex_lock(&view->lock);
	is_filled = view->is_filled;
	(void)pthread_mutex_unlock(&view->lock);
	return is_filled;
}

#include "agent/collect/plan.h"

#include <stdlib.h>
#include <string.h>

#include "shared/clock.h"

/* NULL counts as "". */
static char *copy(const char *text, bool *ok)
{
	char *copied = strdup(text == NULL ? "" : text);

	*ok = *ok && copied != NULL;
	return copied;
}

static bool copy_extra(const struct agent_config *config, struct plan *plan)
{
	bool ok = true;

	if (config->sections.extra_count == 0)
		return true;
	plan->extra = calloc(config->sections.extra_count, sizeof *plan->extra);
	if (plan->extra == NULL)
		return false;
	plan->extra_count = config->sections.extra_count;
	for (size_t i = 0; i < plan->extra_count; i++) {
		plan->extra[i].name = copy(config->sections.extra[i].name, &ok);
		plan->extra[i].path = copy(config->sections.extra[i].path, &ok);
		plan->extra[i].tail_lines = config->sections.extra[i].tail_lines;
	}
	return ok;
}

static void set_deadlines(struct plan *plan, int64_t deadline_ms)
{
	int64_t now = clock_mono_ms();
	int64_t ms = deadline_ms < LIMIT_SECTION_DEADLINE_MS ? deadline_ms : LIMIT_SECTION_DEADLINE_MS;

	if (ms < 1)
		ms = 1;
	plan->section_end_mono_ms = now + ms;
	plan->engine_end_mono_ms = now + ms / 4 * 3;
}

struct plan *plan_new(const struct agent_config *config, const char *workspace_id, int64_t deadline_ms)
{
	struct plan *plan = calloc(1, sizeof *plan);
	bool ok = true;

	if (plan == NULL)
		return NULL;
	plan->root = copy(config->root == NULL || config->root[0] == '\0' ? "/" : config->root, &ok);
	plan->workspace_id = copy(workspace_id, &ok);
	plan->socket = copy(config->docker.socket, &ok);
	plan->label = copy(config->docker.container.label, &ok);
	plan->name = copy(config->docker.container.name, &ok);
	plan->image = copy(config->docker.container.image, &ok);
	ok = copy_extra(config, plan) && ok;
	set_deadlines(plan, deadline_ms);
	if (!ok) {
		plan_free(plan);
		return NULL;
	}
	return plan;
}

void plan_free(struct plan *plan)
{
	if (plan == NULL)
		return;
	for (size_t i = 0; i < plan->extra_count; i++) {
		free(plan->extra[i].name);
		free(plan->extra[i].path);
	}
	free(plan->extra);
	free(plan->root);
	free(plan->workspace_id);
	free(plan->socket);
	free(plan->label);
	free(plan->name);
	free(plan->image);
	free(plan);
}

/*
 * plan: what one collection is to look at: a copy of what it needs from the configuration and the request.
 *
 * It is a copy because a thread that hangs is left behind and may come back when the configuration is long gone.
 * Immutable once made; freed by whoever holds the last reference to the collection's state.
 */
#ifndef RESCUE_AGENT_COLLECT_PLAN_H
#define RESCUE_AGENT_COLLECT_PLAN_H

#include "agent/config.h"

struct plan_extra {
	char *name;
	char *path;
	int64_t tail_lines;
};

struct plan {
	char *root;
	char *workspace_id;
	char *socket;
	char *label, *name, *image; /* of the configured container; "" for unset */
	struct plan_extra *extra;
	size_t extra_count;
	int64_t section_end_mono_ms; /* every section ends by then */
	int64_t engine_end_mono_ms;  /* earlier: what is left is for reading the same from disk */
};

/* NULL on out of memory. */
struct plan *plan_new(const struct agent_config *config, const char *workspace_id, int64_t deadline_ms);
void plan_free(struct plan *plan);

#endif

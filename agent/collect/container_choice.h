/*
 * container_choice: which of the box's containers is the agent's (design section 5), and the rule that says so.
 *
 * Pure. Thread: any.
 */
#ifndef RESCUE_AGENT_COLLECT_CONTAINER_CHOICE_H
#define RESCUE_AGENT_COLLECT_CONTAINER_CHOICE_H

#include "agent/collect/container.h"

/* "" or NULL for what is not configured. */
struct container_wish {
	const char *label;        /* "key" or "key=value" */
	const char *name;
	const char *image;        /* with or without a tag; then any tag will do */
	const char *workspace_id;
};

/*
 * The first rule that any container meets decides, among several containers the newest. NULL when there is none;
 * *ret_rule is a literal, or NULL.
 */
struct container *container_choose(const struct container_list *list, const struct container_wish *wish,
                                   const char **ret_rule);

#endif

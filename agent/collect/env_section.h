/*
 * env_section: model-provider-runtime.env, the variables whose name contains MODEL, PROVIDER or RUNTIME: the agent
 * container's, else those of the first process and of /etc/environment.
 */
#ifndef RESCUE_AGENT_COLLECT_ENV_SECTION_H
#define RESCUE_AGENT_COLLECT_ENV_SECTION_H

#include "agent/collect/container_view.h"
#include "agent/collect/section.h"

void env_section(const struct plan *plan, struct container_view *view, struct section_result *result);

/* Whether the variable "NAME=value" is one to be told. Pure. */
bool env_section_wants(struct span variable);

#endif

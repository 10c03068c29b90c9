/*
 * docker_section: the sections that are about containers.
 *
 * Thread: each in one of its own; docker_section_logs is the one that fills the view, the others wait for it.
 */
#ifndef RESCUE_AGENT_COLLECT_DOCKER_SECTION_H
#define RESCUE_AGENT_COLLECT_DOCKER_SECTION_H

#include "agent/collect/container_view.h"
#include "agent/collect/section.h"

/* agent-container.logs.tail. Must run in every collection, since it fills the view. */
void docker_section_logs(const struct plan *plan, struct container_view *view, struct section_result *result);

/* docker-ps */
void docker_section_ps(const struct plan *plan, struct container_view *view, struct section_result *result);

#endif

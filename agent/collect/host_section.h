/*
 * host_section: what the machine itself says: memory, load, room on disk, the kernel's log.
 */
#ifndef RESCUE_AGENT_COLLECT_HOST_SECTION_H
#define RESCUE_AGENT_COLLECT_HOST_SECTION_H

#include "agent/collect/section.h"

void host_section(const struct plan *plan, struct section_result *result);

#endif

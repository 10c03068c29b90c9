/*
 * known_containers: the values of secret variables of every container on the box, told to the redactor: as the Engine
 * describes them, or where it does not answer, as it left them on disk.
 *
 * Thread: any.
 */
#ifndef RESCUE_AGENT_COLLECT_KNOWN_CONTAINERS_H
#define RESCUE_AGENT_COLLECT_KNOWN_CONTAINERS_H

#include "agent/collect/plan.h"
#include "shared/redact/redact.h"

/*
 * The Engine is asked until plan->engine_end_mono_ms. *ret_unread is set when a container's variables are told by
 * neither; why is in `err`. A box without containers is fine. Other results are those of the redactor.
 */
enum status known_read_containers(const struct plan *plan, struct redactor *redactor, bool *ret_unread,
                                  struct err *err);

#endif

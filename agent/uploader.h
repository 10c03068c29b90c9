/*
 * uploader: the process that has the network (agent/run.h). Confined before it speaks to anybody: it makes IP sockets
 * only, and of the file system it sees its identity's folders, the spool, and what resolving a name takes.
 */
#ifndef RESCUE_AGENT_UPLOADER_H
#define RESCUE_AGENT_UPLOADER_H

#include "agent/config.h"

/* In a process of its own; `control` leads to the supervisor. Gives the process's exit code. */
int uploader_run(const struct agent_config *config, int control);

#endif

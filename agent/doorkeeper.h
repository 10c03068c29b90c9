/*
 * doorkeeper: opens for a process that will read the box what it must not be able to open then (collect/doors.h):
 * the files that take more than reading, and two helper processes, each of which can do one thing.
 *
 *   relay     asks the Engine three kinds of questions (relay.h)
 *   metadata  on EC2: asks the metadata service for the instance role's credentials, which are to be masked, and ends
 *
 * Thread: the first one, without others.
 */
#ifndef RESCUE_AGENT_DOORKEEPER_H
#define RESCUE_AGENT_DOORKEEPER_H

#include <sys/types.h>

#include "agent/collect/doors.h"
#include "agent/config.h"

struct doorkeeper {
	struct doors doors;
	pid_t relay, metadata; /* children of the caller; -1: none */
};

/* The helpers close those of `not_for_them` that are not -1. What cannot be opened has no door; STATUS_SYSTEM. */
enum status doorkeeper_open(const struct agent_config *config, const int *not_for_them, size_t count,
                            struct doorkeeper *ret_keeper, struct err *err);
/* The descriptors; the processes end by themselves. */
void doorkeeper_close(struct doorkeeper *keeper);

/*
 * fork(2) for a child that ends with its parent, and leaves a terminal's ^C and systemd's SIGTERM to the parent to
 * answer.
 */
pid_t doorkeeper_fork(void);

#endif

/*
 * landlock: confinement by the kernel's Landlock, as far as it has it.
 */
#ifndef RESCUE_AGENT_SANDBOX_LANDLOCK_H
#define RESCUE_AGENT_SANDBOX_LANDLOCK_H

#include "agent/sandbox/sandbox.h"
#include "shared/status.h"

/* 0: the kernel has none, or it is switched off. */
int landlock_abi(void);

/*
 * PR_SET_NO_NEW_PRIVS has been set. No role may listen on TCP, reach abstract sockets or signal anybody outside; only
 * an uploader may connect. The supervisor is not confined: its children could not be given more than it has.
 */
enum status landlock_confine(enum sandbox_role role, const struct sandbox_paths *paths, struct err *err);

#endif

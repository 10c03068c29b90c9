/*
 * filter: the seccomp filter of each role: a list of the system calls that are left.
 *
 * What is not listed answers ENOSYS, for which C libraries know ways around; sockets of a family that a role must
 * not have answer EACCES. Not listed are, among others, execve, ptrace, io_uring (which makes sockets behind a
 * filter's back), bpf, mount, setns, open_by_handle_at (which looks past Landlock), and ioctl.
 */
#ifndef RESCUE_AGENT_SANDBOX_FILTER_H
#define RESCUE_AGENT_SANDBOX_FILTER_H

#include "agent/sandbox/sandbox.h"
#include "shared/status.h"

/* PR_SET_NO_NEW_PRIVS has been set. STATUS_SYSTEM when the kernel has no seccomp or this machine has no list. */
enum status filter_install(enum sandbox_role role, struct err *err);

#endif

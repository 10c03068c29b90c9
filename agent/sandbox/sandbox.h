/*
 * sandbox: what each process of the agent gives up before it touches anything from outside.
 *
 *   supervisor  starts the others; no exec. Keeps the capabilities that opening a box's own files takes
 *   reader      collects and redacts: reads every file, writes none, makes no socket but pairs within itself
 *   relay       speaks to the Engine's socket for the reader: Unix sockets, no file
 *   uploader    has the network: IP sockets; of the file system only what sandbox_paths names
 *
 * Three locks, each by itself: capabilities are dropped, a seccomp filter lists the system calls that are left, and
 * Landlock confines files, TCP, abstract sockets and signals as far as the kernel knows how. What the kernel does not
 * have is logged and stands in sandbox_words; the process goes on, since a box is to be rescued all the same.
 * Redaction does not depend on any of this.
 * Thread: enter while the process has only one.
 */
#ifndef RESCUE_AGENT_SANDBOX_SANDBOX_H
#define RESCUE_AGENT_SANDBOX_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

enum sandbox_role { SANDBOX_SUPERVISOR, SANDBOX_READER, SANDBOX_RELAY, SANDBOX_UPLOADER };

enum { SANDBOX_PATHS_MAX = 24 };

/* Files, or folders with everything below them. Missing ones are left out. */
struct sandbox_paths {
	const char *readable[SANDBOX_PATHS_MAX]; /* NULL behind the last */
	const char *writable[SANDBOX_PATHS_MAX];
};

/* Cannot be undone. `paths` is for the uploader, else NULL. */
void sandbox_enter(enum sandbox_role role, const struct sandbox_paths *paths);

/*
 * Whether a path that sandbox_paths named was replaced by another file or folder meanwhile, which Landlock does not
 * let this process see: it has to be started again. The paths must have stayed valid.
 */
bool sandbox_is_stale(void);

/* What holds for this process, as "seccomp, landlock 7"; "none" before sandbox_enter. Valid as long as the process. */
const char *sandbox_words(void);

/* The kernel's Landlock ABI; 0 without it. */
int sandbox_landlock_abi(void);
/* Whether this process is confined by Landlock. */
bool sandbox_has_landlock(void);

#endif

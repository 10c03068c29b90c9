/*
 * failpoint: named places where the tests make a program die, wait, or believe that something failed.
 *
 * Only in a build with RESCUE_FAILPOINTS (preset "fault"); in every other the macros are nothing. There the
 * environment's RESCUE_FAILPOINTS is a folder. A file in it with a failpoint's name arms that one and says what to do:
 *   kill SKIP         SIGKILL to this process, after SKIP passes without
 *   delay SKIP MS     sleeps, likewise
 *   fail              FAILPOINT_FAILS is true for as long as the file is there
 * A file is removed before its kill or delay happens, so that it happens once, in one process.
 * Thread: any.
 */
#ifndef RESCUE_SHARED_FAILPOINT_H
#define RESCUE_SHARED_FAILPOINT_H

#include <stdbool.h>

#ifdef RESCUE_FAILPOINTS
bool failpoint_reach(const char *name, const char *of);
#define FAILPOINT(name) ((void)failpoint_reach(name, ""))
#define FAILPOINT_OF(name, of) ((void)failpoint_reach(name ".", of))
#define FAILPOINT_FAILS(name) failpoint_reach(name, "")
#else
#define FAILPOINT(name) ((void)0)
#define FAILPOINT_OF(name, of) ((void)0)
#define FAILPOINT_FAILS(name) false
#endif

#endif

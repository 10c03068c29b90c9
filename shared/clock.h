/*
 * clock: time, read in one place, so that everything else can be handed a time.
 *
 * Monotonic time decides deadlines; real time is only ever printed or compared with other real time. A process that is
 * told the time by somebody whose clock counts (the sweeper by its database) uses the agreed time for everything that
 * another machine sees or judges, so that a wrong clock of its own changes nothing.
 * Thread: any.
 */
#ifndef RESCUE_SHARED_CLOCK_H
#define RESCUE_SHARED_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/span.h"

enum { CLOCK_RFC3339_SIZE = 32 }; /* "2026-01-31T23:59:59.123456Z" and its NUL fit */

/* Milliseconds of CLOCK_MONOTONIC. */
int64_t clock_mono_ms(void);

/* Nanoseconds since 1970 of CLOCK_REALTIME. */
int64_t clock_real_ns(void);

/* From now on the agreed time goes on from `real_ns`, by the monotonic clock, however the machine's clock is set. */
void clock_agree(int64_t real_ns);

/* Nanoseconds since 1970 by the clock that counts; this machine's while nothing was agreed. */
int64_t clock_agreed_ns(void);

/* RFC 3339, UTC, microseconds. Years outside 0 to 9999 are printed as the nearest end. */
void clock_format(int64_t real_ns, char ret_text[static CLOCK_RFC3339_SIZE]);

/* Reads RFC 3339 (any offset, any fraction). False when `text` is anything else. */
bool clock_parse(struct span text, int64_t *ret_real_ns);

#endif

/*
 * clock: time, read in one place, so that everything else can be handed a time.
 *
 * Monotonic time decides deadlines; real time is only ever printed or compared with other real time.
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

/* RFC 3339, UTC, microseconds. Years outside 0 to 9999 are printed as the nearest end. */
void clock_format(int64_t real_ns, char ret_text[static CLOCK_RFC3339_SIZE]);

/* Reads RFC 3339 (any offset, any fraction). False when `text` is anything else. */
bool clock_parse(struct span text, int64_t *ret_real_ns);

#endif

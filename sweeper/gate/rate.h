/*
 * rate: so many a minute for each key, in bounded memory.
 *
 * Keys are hashed with a secret into a fixed table; two keys in one place share its allowance, which errs on the side of
 * refusing. A key may use a minute's allowance at once, and gets it back evenly.
 * No I/O; time is passed in. Thread: any.
 */
#ifndef RESCUE_SWEEPER_GATE_RATE_H
#define RESCUE_SWEEPER_GATE_RATE_H

#include "shared/span.h"
#include "shared/status.h"

struct rate;

/* NULL on out of memory. */
struct rate *rate_new(int64_t per_min);
void rate_free(struct rate *rate);

/* True: within its rate, and counted. False: too many; *ret_retry_after_s is when there will be room again. */
bool rate_take(struct rate *rate, struct span key, int64_t now_mono_ms, int64_t *ret_retry_after_s);

#endif

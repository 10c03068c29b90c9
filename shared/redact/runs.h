/*
 * runs: long stretches of the characters that base64, hexadecimal and most tokens are made of.
 *
 * Pure; thread: any.
 */
#ifndef RESCUE_SHARED_REDACT_RUNS_H
#define RESCUE_SHARED_REDACT_RUNS_H

#include "shared/span.h"

/* Shorter runs are none. */
enum { RUNS_MIN = 23 };

/* Letters, digits and + / = - _ */
bool runs_is_member(uint8_t c);

/* The first run in what stands from `from` on. False when there is none. */
bool runs_next(struct span text, size_t from, size_t *ret_start, size_t *ret_end);

#endif

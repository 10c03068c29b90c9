/*
 * automaton: many strings found in one pass (Aho and Corasick, 1975).
 *
 * Only the first AUTOMATON_PREFIX bytes of a string are states; the rest is compared where they stand. So the
 * states stay few however long the strings are.
 *
 * Thread: filled and built by one thread, then immutable.
 */
#ifndef RESCUE_SHARED_REDACT_AUTOMATON_H
#define RESCUE_SHARED_REDACT_AUTOMATON_H

#include "shared/span.h"
#include "shared/status.h"

enum { AUTOMATON_PREFIX = 12 };

struct automaton;

/* NULL on out of memory. */
struct automaton *automaton_new(void);
/* Wipes the strings. */
void automaton_free(struct automaton *automaton);

/* Keeps a copy of `string`, which has two bytes or more. `id` is given back where it is found. STATUS_NO_MEMORY. */
enum status automaton_add(struct automaton *automaton, struct span string, uint32_t id);

/* Whether `string` was added already. */
bool automaton_holds(const struct automaton *automaton, struct span string);

/* After the last string and before the first search. */
void automaton_build(struct automaton *automaton);

/* Calls `each` for every occurrence, overlapping ones too, in the order in which their prefixes end. */
void automaton_find_all(const struct automaton *automaton, struct span text,
                        void (*each)(void *ctx, size_t start, size_t end, uint32_t id), void *ctx);

#endif

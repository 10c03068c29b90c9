/*
 * bodies: the memory that requests' bodies may take, from their headers to their answers: LIMIT_BODIES of the process
 * and LIMIT_BODIES_OF_ONE of one caller. One box with its own certificate could fill the machine without them.
 *
 * What a request announces is taken at once, so that a body that was begun can be ended. Callers are hashed into a fixed
 * table; two in one place share its allowance, and are told to come again.
 * Thread: any.
 */
#ifndef RESCUE_SWEEPER_GATE_BODIES_H
#define RESCUE_SWEEPER_GATE_BODIES_H

#include "shared/span.h"

/* One body's; empty when all is 0. Whoever holds the body holds this. */
struct bodies_part {
	size_t len;
	size_t slot;
};

/* False: there is no room now. `whose` says whose body it is. */
bool bodies_take(struct span whose, size_t len, struct bodies_part *ret_part);
/* Leaves the part empty. */
void bodies_give(struct bodies_part *part);

#endif

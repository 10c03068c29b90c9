#include "sweeper/gate/bodies.h"

#include <stdatomic.h>

#include "shared/limits.h"

enum { SLOTS = 16384 };

static atomic_size_t all;
static atomic_size_t slots[SLOTS];

static bool add(atomic_size_t *sum, size_t len, size_t max)
{
	size_t before = atomic_load(sum);

	while (len <= max && before <= max - len) {
		if (atomic_compare_exchange_weak(sum, &before, before + len))
			return true;
	}
	return false;
}

bool bodies_take(struct span whose, size_t len, struct bodies_part *ret_part)
{
	/* Without a secret: who somebody is comes from a certificate or the network, and is nobody's choice. */
	size_t slot = span_hash(whose, 0) % SLOTS;

	*ret_part = (struct bodies_part){ .len = 0 };
	if (!add(&slots[slot], len, LIMIT_BODIES_OF_ONE))
		return false;
	if (!add(&all, len, LIMIT_BODIES)) {
		(void)atomic_fetch_sub(&slots[slot], len);
		return false;
	}
	*ret_part = (struct bodies_part){ .len = len, .slot = slot };
	return true;
}

void bodies_give(struct bodies_part *part)
{
	(void)atomic_fetch_sub(&slots[part->slot], part->len);
	(void)atomic_fetch_sub(&all, part->len);
	*part = (struct bodies_part){ .len = 0 };
}

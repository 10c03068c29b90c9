#include "sweeper/gate/rate.h"

#include <pthread.h>
#include <stdlib.h>

#include "shared/random.h"

/* One request weighs a minute's milliseconds, and a millisecond takes per_min of them away. */
enum { SLOTS = 16384, WEIGHT = 60 * 1000 };

struct rate {
	int64_t per_min;
	uint64_t seed;
	pthread_mutex_t lock; /* guards the slots */
	struct slot {
		int64_t level;
		int64_t at_mono_ms; /* when that was the level */
	} slots[SLOTS];
};

struct rate *rate_new(int64_t per_min)
{
	struct rate *rate = calloc(1, sizeof *rate);

	if (rate == NULL)
		return NULL;
	rate->per_min = per_min;
	random_bytes(&rate->seed, sizeof rate->seed);
	(void)pthread_mutex_init(&rate->lock, NULL);
	return rate;
}

void rate_free(struct rate *rate)
{
	free(rate);
}

static struct slot *slot_of(struct rate *rate, struct span key)
{
	return &rate->slots[span_hash(key, rate->seed) % SLOTS];
}

static bool take(const struct rate *rate, struct slot *slot, int64_t now_mono_ms, int64_t *ret_retry_after_s)
{
	int64_t passed_ms = now_mono_ms - slot->at_mono_ms;
	int64_t over;

	/* After a minute everything has drained away; without the cap the product could overflow. */
	slot->level -= (passed_ms < WEIGHT ? passed_ms : WEIGHT) * rate->per_min;
	if (slot->level < 0)
		slot->level = 0;
	slot->at_mono_ms = now_mono_ms;
	over = slot->level + WEIGHT - rate->per_min * WEIGHT;
	if (over > 0) {
		*ret_retry_after_s = 1 + over / rate->per_min / 1000;
		return false;
	}
	slot->level += WEIGHT;
	return true;
}

bool rate_take(struct rate *rate, struct span key, int64_t now_mono_ms, int64_t *ret_retry_after_s)
{
	bool taken;

	(void)pthread_mutex_lock(&rate->lock);
	taken = take(rate, slot_of(rate, key), now_mono_ms, ret_retry_after_s);
	(void)pthread_mutex_unlock(&rate->lock);
	return taken;
}

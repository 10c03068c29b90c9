#include "shared/redact/tags.h"

#include <pthread.h>
#include <stdlib.h>

#include "shared/random.h"

/* Beyond so many different secrets masks go without a number, so that looking one up costs no more. */
enum { FIRST_CAP = 32, MAX_TAGS = 4096 };

struct redact_tags {
	pthread_mutex_t lock;
	uint64_t key[2];
	uint64_t *hashes; /* the number of a secret is its place here, from 1 */
	unsigned count;
	unsigned cap;
};

struct redact_tags *redact_tags_new(void)
{
	struct redact_tags *tags = calloc(1, sizeof *tags);

	if (tags == NULL)
		return NULL;
	if (pthread_mutex_init(&tags->lock, NULL) != 0) {
		free(tags);
		return NULL;
	}
	random_bytes(tags->key, sizeof tags->key);
	return tags;
}

void redact_tags_free(struct redact_tags *tags)
{
	if (tags == NULL)
		return;
	(void)pthread_mutex_destroy(&tags->lock);
	free(tags->hashes);
	wipe(tags, sizeof *tags);
	free(tags);
}

/* Polynomial in a secret point over the integers modulo 2^64, mixed at the end; good enough to tell apart. */
static uint64_t hash_of(const struct redact_tags *tags, struct span secret)
{
	uint64_t hash = tags->key[0] ^ secret.len;

	for (size_t i = 0; i < secret.len; i++) {
		hash = (hash ^ secret.ptr[i]) * (tags->key[1] | 1);
		hash ^= hash >> 29;
	}
	return hash;
}

static bool make_room(struct redact_tags *tags)
{
	unsigned cap = tags->cap == 0 ? FIRST_CAP : tags->cap * 2;
	uint64_t *hashes;

	if (tags->count < tags->cap)
		return true;
	if (cap > MAX_TAGS)
		return false;
	hashes = reallocarray(tags->hashes, cap, sizeof *hashes);
	if (hashes == NULL)
		return false;
	tags->hashes = hashes;
	tags->cap = cap;
	return true;
}

unsigned tags_number(struct redact_tags *tags, struct span secret)
{
	uint64_t hash = hash_of(tags, secret);
	unsigned number = 0;

	(void)pthread_mutex_lock(&tags->lock);
	for (unsigned i = 0; i < tags->count && number == 0; i++)
		number = tags->hashes[i] == hash ? i + 1 : 0;
	if (number == 0 && make_room(tags)) {
		tags->hashes[tags->count++] = hash;
		number = tags->count;
	}
	(void)pthread_mutex_unlock(&tags->lock);
	return number;
}

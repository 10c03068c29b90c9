#include "sweeper/gate/held.h"

#include <stdlib.h>

#include "shared/random.h"

enum { FIRST_BUCKETS = 64 };

void held_init(struct held *held)
{
	*held = (struct held){ .buckets = NULL };
	random_bytes(&held->seed, sizeof held->seed);
}

void held_done(struct held *held)
{
	free(held->buckets);
	held->buckets = NULL;
	held->bucket_count = 0;
}

static uint64_t hash_of(const struct held *held, const void *tenant, struct span workspace_id)
{
	return span_hash(workspace_id, held->seed ^ (uint64_t)(uintptr_t)tenant);
}

static enum status grow(struct held *held)
{
	size_t count = held->bucket_count == 0 ? FIRST_BUCKETS : held->bucket_count * 2;
	struct held_entry **buckets = calloc(count, sizeof *buckets);

	if (buckets == NULL)
		return STATUS_NO_MEMORY;
	for (size_t i = 0; i < held->bucket_count; i++) {
		while (held->buckets[i] != NULL) {
			struct held_entry *entry = held->buckets[i];

			held->buckets[i] = entry->next;
			entry->next = buckets[entry->hash & (count - 1)];
			buckets[entry->hash & (count - 1)] = entry;
		}
	}
	free(held->buckets);
	held->buckets = buckets;
	held->bucket_count = count;
	return STATUS_OK;
}

enum status held_add(struct held *held, struct held_entry *entry)
{
	struct held_entry **bucket;

	/* A table that cannot grow still works, slower, once it has its first buckets. */
	if (held->count >= held->bucket_count && grow(held) != STATUS_OK && held->bucket_count == 0)
		return STATUS_NO_MEMORY;
	entry->hash = hash_of(held, entry->tenant, entry->workspace_id);
	bucket = &held->buckets[entry->hash & (held->bucket_count - 1)];
	entry->next = *bucket;
	*bucket = entry;
	held->count++;
	return STATUS_OK;
}

void held_remove(struct held *held, struct held_entry *entry)
{
	struct held_entry **at = &held->buckets[entry->hash & (held->bucket_count - 1)];

	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	held->count--;
}

struct held_entry *held_find(const struct held *held, const void *tenant, struct span workspace_id,
                             const struct held_entry *after)
{
	uint64_t hash = hash_of(held, tenant, workspace_id);
	struct held_entry *entry;

	if (held->bucket_count == 0)
		return NULL;
	entry = after != NULL ? after->next : held->buckets[hash & (held->bucket_count - 1)];
	while (entry != NULL &&
	       (entry->hash != hash || entry->tenant != tenant || !span_eq(entry->workspace_id, workspace_id)))
		entry = entry->next;
	return entry;
}

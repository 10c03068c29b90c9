#include "shared/tls/verified.h"

#include <stdlib.h>

enum { WAYS = 4, ROWS = LIMIT_VERIFIED_CERTS / WAYS };

enum status verified_init(struct verified *verified)
{
	*verified = (struct verified){ .entries = calloc(LIMIT_VERIFIED_CERTS, sizeof *verified->entries) };
	if (verified->entries == NULL)
		return STATUS_NO_MEMORY;
	(void)pthread_mutex_init(&verified->lock, NULL);
	return STATUS_OK;
}

void verified_done(struct verified *verified)
{
	if (verified->entries == NULL)
		return;
	free(verified->entries);
	verified->entries = NULL;
	(void)pthread_mutex_destroy(&verified->lock);
}

/* The digest is as good as random, so that its first bytes spread the certificates. */
static struct verified_entry *row_of(struct verified *verified, const uint8_t digest[static PEER_DIGEST_BYTES])
{
	uint32_t start = (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 | digest[3];

	return &verified->entries[(size_t)(start % ROWS) * WAYS];
}

bool verified_has(struct verified *verified, const uint8_t digest[static PEER_DIGEST_BYTES], int64_t now_s)
{
	const struct verified_entry *row = row_of(verified, digest);
	bool has = false;

	(void)pthread_mutex_lock(&verified->lock);
	for (size_t i = 0; i < WAYS && !has; i++)
		has = row[i].until_s > now_s && memcmp(row[i].digest, digest, PEER_DIGEST_BYTES) == 0;
	(void)pthread_mutex_unlock(&verified->lock);
	return has;
}

void verified_add(struct verified *verified, const uint8_t digest[static PEER_DIGEST_BYTES], int64_t until_s)
{
	struct verified_entry *row = row_of(verified, digest), *place = NULL;

	(void)pthread_mutex_lock(&verified->lock);
	for (size_t i = 0; i < WAYS && place == NULL; i++) {
		if (row[i].until_s == 0 || memcmp(row[i].digest, digest, PEER_DIGEST_BYTES) == 0)
			place = &row[i];
	}
	if (place == NULL)
		place = &row[verified->turn++ % WAYS];
	memcpy(place->digest, digest, PEER_DIGEST_BYTES);
	place->until_s = until_s;
	(void)pthread_mutex_unlock(&verified->lock);
}

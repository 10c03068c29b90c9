/*
 * A ticket: name of the key, nonce, ciphertext, tag. AES-256-GCM; the name and the digest of the authorities are
 * authenticated with it. Nonces are random: a key makes far fewer than 2^32 tickets in its period.
 */
#include "shared/tls/tickets.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <mbedtls/gcm.h>

#include "shared/clock.h"
#include "shared/tls/seal.h"

enum { NONCE_BYTES = 12, TAG_BYTES = 16, FRAME_BYTES = TLS_TICKET_NAME_BYTES + NONCE_BYTES + TAG_BYTES };

struct scope {
	char prefix[LIMIT_SPIFFE_ID + 1];
	struct tls_ticket_key keys[LIMIT_TICKET_KEYS];
	size_t count;
	int64_t ahead_ms; /* the keys' clock minus the monotonic one */
};

struct tls_tickets {
	pthread_mutex_t lock;
	size_t scope_count;
	struct scope scopes[];
};

struct tls_tickets *tls_tickets_new(size_t scopes)
{
	struct tls_tickets *tickets = calloc(1, sizeof *tickets + scopes * sizeof tickets->scopes[0]);

	if (tickets == NULL)
		return NULL;
	tickets->scope_count = scopes;
	(void)pthread_mutex_init(&tickets->lock, NULL);
	return tickets;
}

void tls_tickets_free(struct tls_tickets *tickets)
{
	if (tickets == NULL)
		return;
	wipe(tickets->scopes, tickets->scope_count * sizeof tickets->scopes[0]);
	(void)pthread_mutex_destroy(&tickets->lock);
	free(tickets);
}

void tls_tickets_set(struct tls_tickets *tickets, size_t scope, const char *prefix, const struct tls_ticket_key *keys,
                     size_t count, int64_t now_ms)
{
	struct scope *set = &tickets->scopes[scope];

	if (count > LIMIT_TICKET_KEYS)
		count = LIMIT_TICKET_KEYS;
	(void)pthread_mutex_lock(&tickets->lock);
	(void)snprintf(set->prefix, sizeof set->prefix, "%s", prefix);
	wipe(set->keys, sizeof set->keys);
	memcpy(set->keys, keys, count * sizeof *keys);
	set->count = count;
	set->ahead_ms = now_ms - clock_mono_ms();
	(void)pthread_mutex_unlock(&tickets->lock);
}

static bool has_prefix(struct span uri, const char *prefix)
{
	struct span start = span_cstr(prefix);

	return start.len > 0 && uri.len > start.len && span_eq(span_sub(uri, 0, start.len), start);
}

bool seal_covers(const struct seal *seal, struct span uri)
{
	return has_prefix(uri, seal->prefix);
}

/* A copy, so that nobody waits for another one's encryption. False: the key's time is over, or has not come. */
static bool copy_key(const struct scope *scope, const struct tls_ticket_key *key, struct seal *ret_seal)
{
	ret_seal->now_ms = clock_mono_ms() + scope->ahead_ms;
	if (ret_seal->now_ms >= key->end_ms)
		return false;
	(void)snprintf(ret_seal->prefix, sizeof ret_seal->prefix, "%s", scope->prefix);
	ret_seal->key = *key;
	return true;
}

/* The key that began last; NULL when none has. */
static const struct tls_ticket_key *newest(const struct scope *scope, int64_t now_ms)
{
	const struct tls_ticket_key *best = NULL;

	for (size_t i = 0; i < scope->count; i++) {
		const struct tls_ticket_key *key = &scope->keys[i];

		if (key->begin_ms <= now_ms && (best == NULL || key->begin_ms > best->begin_ms))
			best = key;
	}
	return best;
}

bool seal_for(struct tls_tickets *tickets, struct span uri, struct seal *ret_seal)
{
	bool found = false;

	(void)pthread_mutex_lock(&tickets->lock);
	for (size_t i = 0; i < tickets->scope_count && !found; i++) {
		const struct scope *scope = &tickets->scopes[i];
		const struct tls_ticket_key *key = newest(scope, clock_mono_ms() + scope->ahead_ms);

		found = key != NULL && has_prefix(uri, scope->prefix) && copy_key(scope, key, ret_seal);
	}
	(void)pthread_mutex_unlock(&tickets->lock);
	return found;
}

static bool seal_by_name(struct tls_tickets *tickets, const uint8_t name[static TLS_TICKET_NAME_BYTES],
                         struct seal *ret_seal)
{
	bool found = false;

	(void)pthread_mutex_lock(&tickets->lock);
	for (size_t i = 0; i < tickets->scope_count && !found; i++) {
		const struct scope *scope = &tickets->scopes[i];

		for (size_t k = 0; k < scope->count && !found; k++)
			found = memcmp(scope->keys[k].name, name, TLS_TICKET_NAME_BYTES) == 0 &&
			        copy_key(scope, &scope->keys[k], ret_seal);
	}
	(void)pthread_mutex_unlock(&tickets->lock);
	return found;
}

static bool set_key(mbedtls_gcm_context *gcm, const struct seal *seal)
{
	return mbedtls_gcm_setkey(gcm, MBEDTLS_CIPHER_ID_AES, seal->key.secret, 8 * sizeof seal->key.secret) == 0;
}

static void bind_to(const struct seal *seal, const uint8_t trust[static SEAL_TRUST_BYTES],
                    uint8_t ret_bound[static TLS_TICKET_NAME_BYTES + SEAL_TRUST_BYTES])
{
	memcpy(ret_bound, seal->key.name, TLS_TICKET_NAME_BYTES);
	memcpy(ret_bound + TLS_TICKET_NAME_BYTES, trust, SEAL_TRUST_BYTES);
}

size_t seal_close(const struct seal *seal, const uint8_t trust[static SEAL_TRUST_BYTES], struct span plain,
                  uint8_t *ret_ticket, size_t cap)
{
	uint8_t bound[TLS_TICKET_NAME_BYTES + SEAL_TRUST_BYTES];
	uint8_t *nonce = ret_ticket + TLS_TICKET_NAME_BYTES, *body = nonce + NONCE_BYTES;
	mbedtls_gcm_context gcm;
	size_t len = 0;

	mbedtls_gcm_init(&gcm);
	bind_to(seal, trust, bound);
	if (plain.len + FRAME_BYTES <= cap && set_key(&gcm, seal) && mbed_random(NULL, nonce, NONCE_BYTES) == 0) {
		memcpy(ret_ticket, seal->key.name, TLS_TICKET_NAME_BYTES);
		if (mbedtls_gcm_crypt_and_tag(&gcm, MBEDTLS_GCM_ENCRYPT, plain.len, nonce, NONCE_BYTES, bound, sizeof bound,
		                              plain.ptr, body, TAG_BYTES, body + plain.len) == 0)
			len = plain.len + FRAME_BYTES;
	}
	mbedtls_gcm_free(&gcm);
	return len;
}

bool seal_open(struct tls_tickets *tickets, const uint8_t trust[static SEAL_TRUST_BYTES], struct span ticket,
               struct seal *ret_seal, struct buf *ret_plain)
{
	uint8_t bound[TLS_TICKET_NAME_BYTES + SEAL_TRUST_BYTES];
	mbedtls_gcm_context gcm;
	struct span body;
	uint8_t *room;
	bool opened;

	if (ticket.len <= FRAME_BYTES || !seal_by_name(tickets, ticket.ptr, ret_seal))
		return false;
	body = span_sub(ticket, TLS_TICKET_NAME_BYTES + NONCE_BYTES, ticket.len - FRAME_BYTES);
	mbedtls_gcm_init(&gcm);
	bind_to(ret_seal, trust, bound);
	opened = buf_reserve(ret_plain, body.len, &room) == STATUS_OK && set_key(&gcm, ret_seal);
	if (opened)
		opened = mbedtls_gcm_auth_decrypt(&gcm, body.len, ticket.ptr + TLS_TICKET_NAME_BYTES, NONCE_BYTES, bound,
		                                  sizeof bound, body.ptr + body.len, TAG_BYTES, body.ptr, room) == 0;
	mbedtls_gcm_free(&gcm);
	if (opened)
		buf_commit(ret_plain, body.len);
	return opened;
}

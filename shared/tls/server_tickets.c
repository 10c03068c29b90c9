/*
 * What a ticket holds: the length of the library's session (2 bytes) and that session, when it was made by the keys'
 * clock (8 bytes), and the peer.
 */
#include <stdlib.h>

#include "shared/clock.h"
#include "shared/tls/server.h"

enum { PLAIN_MAX = LIMIT_TICKET_BYTES, WEEK_S = 7 * 86400 };

/* A ticket must be written, also without a key or a peer to vouch for: one that says nothing and never lives. */
static int write_nothing(unsigned char *start, const unsigned char *end, size_t *ret_len, uint32_t *ret_lifetime_s)
{
	*ret_lifetime_s = 0;
	*ret_len = 0;
	if (start == end)
		return MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL;
	*start = 0;
	*ret_len = 1;
	return 0;
}

static enum status put_session(const mbedtls_ssl_session *session, struct buf *plain)
{
	uint8_t *room;
	size_t len = 0;

	if (buf_reserve(plain, PLAIN_MAX - PEER_FIXED_BYTES, &room) != STATUS_OK)
		return STATUS_NO_MEMORY;
	if (mbedtls_ssl_session_save(session, room + 2, PLAIN_MAX - PEER_FIXED_BYTES - 2, &len) != 0)
		return STATUS_TOO_LARGE;
	room[0] = (uint8_t)(len >> 8);
	room[1] = (uint8_t)len;
	buf_commit(plain, len + 2);
	return STATUS_OK;
}

/* How long the ticket may be used: the key's end, the certificate's, and the week of RFC 8446. */
static int64_t lifetime_s(const struct seal *seal, const struct peer *peer)
{
	int64_t key_s = (seal->key.end_ms - seal->now_ms) / 1000;
	int64_t crt_s = peer->not_after_s - clock_agreed_ns() / 1000000000;
	int64_t left_s = key_s < crt_s ? key_s : crt_s;

	return left_s < WEEK_S ? left_s : WEEK_S;
}

int server_write_ticket(void *ctx, const mbedtls_ssl_session *session, unsigned char *start, const unsigned char *end,
                        size_t *ret_len, uint32_t *ret_lifetime_s)
{
	const struct tls_server *server = ctx;
	const struct peer *peer = server_shaking_peer();
	struct buf plain = BUF_INIT(PLAIN_MAX);
	struct seal seal;
	int64_t left_s;

	*ret_len = 0;
	if (peer != NULL && seal_for(server->tickets, span_of(peer->uri, peer->uri_len), &seal)) {
		left_s = lifetime_s(&seal, peer);
		if (left_s > 0 && put_session(session, &plain) == STATUS_OK) {
			mbed_put_u64(&plain, (uint64_t)seal.now_ms);
			peer_encode(peer, &plain);
			if (buf_status(&plain) == STATUS_OK)
				*ret_len = seal_close(&seal, server->trust, buf_span(&plain), start, (size_t)(end - start));
			*ret_lifetime_s = (uint32_t)left_s;
		}
		wipe(&seal, sizeof seal);
	}
	buf_wipe(&plain);
	return *ret_len > 0 ? 0 : write_nothing(start, end, ret_len, ret_lifetime_s);
}

/*
 * The library compares the ticket's age with what the client says, by a clock that counts from this machine's start.
 * The age is the same everywhere, so the time of making is given by that clock.
 */
static void set_age(mbedtls_ssl_session *session, int64_t age_ms)
{
	session->MBEDTLS_PRIVATE(ticket_creation_time) = mbedtls_ms_time() - (age_ms > 0 ? age_ms : 0);
}

static int load(struct span plain, const struct seal *seal, mbedtls_ssl_session *ret_session, struct peer **ret_peer)
{
	size_t len = plain.len < 2 ? 0 : (size_t)plain.ptr[0] << 8 | plain.ptr[1];
	struct span saved = span_sub(plain, 2, len);
	struct span tail = span_sub(plain, 2 + len, plain.len);
	struct peer *peer = tail.len > 8 ? peer_decode(span_sub(tail, 8, tail.len)) : NULL;
	int failed = MBEDTLS_ERR_SSL_SESSION_TICKET_EXPIRED;

	if (peer != NULL && seal_covers(seal, span_of(peer->uri, peer->uri_len)) &&
	    peer->not_after_s > clock_agreed_ns() / 1000000000)
		failed = mbedtls_ssl_session_load(ret_session, saved.ptr, saved.len);
	if (failed != 0) {
		free(peer);
		return failed;
	}
	set_age(ret_session, seal->now_ms - (int64_t)mbed_get_u64(tail.ptr));
	*ret_peer = peer;
	return 0;
}

int server_read_ticket(void *ctx, mbedtls_ssl_session *session, unsigned char *bytes, size_t len)
{
	const struct tls_server *server = ctx;
	struct buf plain = BUF_INIT(PLAIN_MAX);
	struct peer *peer = NULL;
	struct seal seal;
	int failed = MBEDTLS_ERR_SSL_INVALID_MAC;

	if (seal_open(server->tickets, server->trust, span_of(bytes, len), &seal, &plain))
		failed = load(buf_span(&plain), &seal, session, &peer);
	/* Also when it is none: an earlier ticket of the same hello must not speak for this one. */
	server_resume_shaking(peer);
	wipe(&seal, sizeof seal);
	buf_wipe(&plain);
	return failed;
}

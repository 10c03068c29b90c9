#include "shared/tls/peer.h"

#include <stdlib.h>

#include <mbedtls/sha256.h>

static struct peer *with_uri(struct span uri)
{
	struct peer *peer = malloc(sizeof *peer + uri.len);

	if (peer == NULL)
		return NULL;
	peer->uri_len = uri.len;
	if (uri.len > 0)
		memcpy(peer->uri, uri.ptr, uri.len);
	return peer;
}

struct peer *peer_of_crt(const mbedtls_x509_crt *crt)
{
	struct span uri;
	struct peer *peer = with_uri(mbed_crt_uri(crt, &uri) == STATUS_OK ? uri : span_of(NULL, 0));

	if (peer == NULL)
		return NULL;
	if (mbedtls_sha256(crt->raw.p, crt->raw.len, peer->digest, 0) != 0) {
		free(peer);
		return NULL;
	}
	peer->not_after_s = mbed_time_s(&crt->valid_to);
	return peer;
}

void peer_encode(const struct peer *peer, struct buf *ret_bytes)
{
	buf_append(ret_bytes, peer->digest, sizeof peer->digest);
	mbed_put_u64(ret_bytes, (uint64_t)peer->not_after_s);
	buf_append(ret_bytes, peer->uri, peer->uri_len);
}

struct peer *peer_decode(struct span bytes)
{
	struct peer *peer;

	if (bytes.len < PEER_FIXED_BYTES || bytes.len > PEER_FIXED_BYTES + LIMIT_SPIFFE_ID)
		return NULL;
	peer = with_uri(span_sub(bytes, PEER_FIXED_BYTES, bytes.len));
	if (peer == NULL)
		return NULL;
	memcpy(peer->digest, bytes.ptr, sizeof peer->digest);
	peer->not_after_s = (int64_t)mbed_get_u64(bytes.ptr + PEER_DIGEST_BYTES);
	return peer;
}

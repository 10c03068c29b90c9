/*
 * peer: what is kept of a peer's certificate once the handshake is over: who it is, until when, and which certificate
 * said so. It is a tenth of the parsed certificate, and small enough to ride in a ticket.
 *
 * Thread: any; a peer belongs to its session.
 */
#ifndef RESCUE_SHARED_TLS_PEER_H
#define RESCUE_SHARED_TLS_PEER_H

#include "shared/tls/digest.h"
#include "shared/tls/mbed.h"

enum { PEER_DIGEST_BYTES = 32, PEER_FIXED_BYTES = PEER_DIGEST_BYTES + 8 };

struct peer {
	uint8_t digest[PEER_DIGEST_BYTES]; /* SHA-256 of the certificate (DER) */
	int64_t not_after_s;               /* seconds since 1970 */
	size_t uri_len;                    /* 0: no URI SAN, or several */
	uint8_t uri[];
};

/* NULL on out of memory; freed with free(). */
struct peer *peer_of_crt(const mbedtls_x509_crt *crt);

/* For a ticket. PEER_FIXED_BYTES + uri_len bytes. */
void peer_encode(const struct peer *peer, struct buf *ret_bytes);
/* NULL when it cannot be one, and on out of memory. */
struct peer *peer_decode(struct span bytes);

#endif

/*
 * verified: certificates whose chain was found good, by their SHA-256, so that a known one costs one signature less in
 * its next full handshake. Only the chain's verdict is kept: that the peer has the key is proven every time.
 *
 * A table of LIMIT_VERIFIED_CERTS places: each certificate has WAYS possible ones, and the oldest of them gives way. An
 * entry counts until the first certificate of its chain ends. The table lives in a tls_server and goes with it, so
 * that new authorities (SIGHUP) begin with an empty one.
 * Thread: any.
 */
#ifndef RESCUE_SHARED_TLS_VERIFIED_H
#define RESCUE_SHARED_TLS_VERIFIED_H

#include <pthread.h>

#include "shared/tls/peer.h"

struct verified_entry {
	uint8_t digest[PEER_DIGEST_BYTES];
	int64_t until_s; /* seconds since 1970; 0: free */
};

struct verified {
	pthread_mutex_t lock;
	struct verified_entry *entries; /* LIMIT_VERIFIED_CERTS; the pages of unused ones cost nothing */
	unsigned turn;                  /* which of a full row gives way next */
};

/* STATUS_NO_MEMORY */
enum status verified_init(struct verified *verified);
void verified_done(struct verified *verified);

bool verified_has(struct verified *verified, const uint8_t digest[static PEER_DIGEST_BYTES], int64_t now_s);
void verified_add(struct verified *verified, const uint8_t digest[static PEER_DIGEST_BYTES], int64_t until_s);

#endif

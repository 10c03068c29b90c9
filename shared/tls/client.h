/*
 * client: the rules for TLS connections that we open ourselves. The connection is libcurl's (shared/fetch.c), which
 * hands its mbedTLS configuration out before it is used.
 *
 * Thread: any.
 */
#ifndef RESCUE_SHARED_TLS_CLIENT_H
#define RESCUE_SHARED_TLS_CLIENT_H

#include "shared/tls/validity.h"

struct mbedtls_x509_crt;

/* What a connection's look at its peer's certificates needs to know. */
struct tls_client_check {
	struct validity own; /* of the certificate that is presented */
	bool has_own;
	/* libcurl's own look, which finds the words for what is wrong. */
	int (*next)(void *ctx, struct mbedtls_x509_crt *crt, int depth, uint32_t *flags);
	void *next_ctx;
};

/*
 * `mbedtls_config` is a mbedtls_ssl_config that is set up and not in use yet. Narrows it: libcurl by itself takes
 * SHA-1 signatures, RSA keys of 1024 bits and suites with short tags. And lets validity.h decide when a certificate is
 * good: `own_cert_file` is the certificate that is presented, NULL for none. *check is filled and must outlive the
 * configuration's handshakes.
 */
void tls_client_strict(void *mbedtls_config, const char *own_cert_file, struct tls_client_check *check);

#endif

/*
 * client: the rules for TLS connections that we open ourselves. The connection is libcurl's (shared/fetch.c), which
 * hands its mbedTLS configuration out before it is used.
 *
 * Thread: any.
 */
#ifndef RESCUE_SHARED_TLS_CLIENT_H
#define RESCUE_SHARED_TLS_CLIENT_H

/*
 * `mbedtls_config` is a mbedtls_ssl_config that is set up and not in use yet. Narrows it: libcurl by itself takes
 * SHA-1 signatures, RSA keys of 1024 bits and suites with short tags.
 */
void tls_client_strict(void *mbedtls_config);

#endif

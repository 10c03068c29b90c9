/*
 * tls_client: a TLS client in memory, for the tests of sessions. cmocka.h is included before it.
 */
#ifndef RESCUE_TESTS_UNIT_TLS_CLIENT_H
#define RESCUE_TESTS_UNIT_TLS_CLIENT_H

#include <mbedtls/ssl.h>
#include <psa/crypto.h>

#include "shared/tls/session.h"
#include "tests/unit/certs.h"

static inline int client_random(void *unused, unsigned char *bytes, size_t len)
{
	(void)unused;
	return psa_generate_random(bytes, len) == PSA_SUCCESS ? 0 : -1;
}

/* A client in memory: what it says waits in `out`, what it hears in `in`. */
struct client {
	mbedtls_ssl_context ssl;
	mbedtls_ssl_config config;
	mbedtls_x509_crt chain, ca;
	mbedtls_pk_context key;
	struct buf in, out;
};

static inline int client_send(void *ctx, const unsigned char *bytes, size_t len)
{
	buf_append(&((struct client *)ctx)->out, bytes, len);
	return (int)len;
}

static inline int client_receive(void *ctx, unsigned char *bytes, size_t cap)
{
	struct client *client = ctx;
	struct span ready = span_sub(buf_span(&client->in), 0, cap);

	if (ready.len == 0)
		return MBEDTLS_ERR_SSL_WANT_READ;
	memcpy(bytes, ready.ptr, ready.len);
	buf_consume(&client->in, ready.len);
	return (int)ready.len;
}

/* `ca` is whom it trusts; `pair` NULL: no certificate. */
static inline struct client *client_new(struct certs_pair *ca, struct certs_pair *pair, mbedtls_ssl_protocol_version version)
{
	struct client *client = calloc(1, sizeof *client);

	assert_non_null(client);
	buf_init(&client->in, 1 << 22);
	buf_init(&client->out, 1 << 22);
	mbedtls_ssl_init(&client->ssl);
	mbedtls_ssl_config_init(&client->config);
	mbedtls_x509_crt_init(&client->chain);
	mbedtls_x509_crt_init(&client->ca);
	mbedtls_pk_init(&client->key);
	assert_int_equal(mbedtls_ssl_config_defaults(&client->config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
	                                             MBEDTLS_SSL_PRESET_DEFAULT), 0);
	mbedtls_ssl_conf_rng(&client->config, client_random, NULL);
	mbedtls_ssl_conf_min_tls_version(&client->config, version);
	mbedtls_ssl_conf_max_tls_version(&client->config, version);
	assert_int_equal(mbedtls_x509_crt_parse(&client->ca, (const uint8_t *)buf_cstr(&ca->cert), ca->cert.len + 1), 0);
	mbedtls_ssl_conf_ca_chain(&client->config, &client->ca, NULL);
	if (pair != NULL) {
		assert_int_equal(mbedtls_x509_crt_parse(&client->chain, (const uint8_t *)buf_cstr(&pair->cert),
		                                        pair->cert.len + 1), 0);
		assert_int_equal(mbedtls_pk_parse_key(&client->key, (const uint8_t *)buf_cstr(&pair->key),
		                                      pair->key.len + 1, NULL, 0, client_random, NULL), 0);
		assert_int_equal(mbedtls_ssl_conf_own_cert(&client->config, &client->chain, &client->key), 0);
	}
	assert_int_equal(mbedtls_ssl_setup(&client->ssl, &client->config), 0);
	assert_int_equal(mbedtls_ssl_set_hostname(&client->ssl, "localhost"), 0);
	mbedtls_ssl_set_bio(&client->ssl, client, client_send, client_receive, NULL);
	return client;
}

static inline void client_free(struct client *client)
{
	mbedtls_ssl_free(&client->ssl);
	mbedtls_ssl_config_free(&client->config);
	mbedtls_x509_crt_free(&client->chain);
	mbedtls_x509_crt_free(&client->ca);
	mbedtls_pk_free(&client->key);
	buf_done(&client->in);
	buf_done(&client->out);
	free(client);
}

static inline void to_client(struct tls_session *session, struct client *client)
{
	struct span output = tls_session_output(session);

	buf_append_span(&client->in, output);
	tls_session_sent(session, output.len);
}

/* Until the server has decided, handing it `step` bytes at a time. */
static inline enum status shake(struct tls_session *session, struct client *client, size_t step, struct err *err)
{
	enum status status = STATUS_AGAIN;

	for (int round = 0; status == STATUS_AGAIN && round < 20; round++) {
		(void)mbedtls_ssl_handshake(&client->ssl);
		while (status == STATUS_AGAIN && client->out.len > 0) {
			struct span piece = span_sub(buf_span(&client->out), 0, step);

			assert_int_equal(tls_session_feed(session, piece), STATUS_OK);
			buf_consume(&client->out, piece.len);
			status = tls_session_handshake(session, err);
		}
		to_client(session, client);
	}
	return status;
}

/* Reads what the client sent until nothing is left; gives the last status. */
static inline enum status read_all(struct tls_session *session, struct client *client, struct buf *ret_plain)
{
	enum status status = STATUS_AGAIN;

	while (client->out.len > 0 && status == STATUS_AGAIN) {
		struct span piece = span_sub(buf_span(&client->out), 0, 1000);

		assert_int_equal(tls_session_feed(session, piece), STATUS_OK);
		buf_consume(&client->out, piece.len);
		do {
			uint8_t bytes[300];
			size_t len;

			status = tls_session_read(session, bytes, sizeof bytes, &len);
			buf_append(ret_plain, bytes, len);
		} while (status == STATUS_OK);
	}
	return status;
}

#endif

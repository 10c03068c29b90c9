#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include <mbedtls/ssl.h>
#include <psa/crypto.h>

#include "shared/tls/digest.h"
#include "shared/tls/session.h"
#include "tests/unit/certs.h"

#define URI "spiffe://rescue.example/org/acme/workspace/w1"

static char folder[] = "/tmp/rescue-tls-XXXXXX";
static struct certs_pair ca, other_ca, server_pair;
static char *cert_path, *key_path, *ca_path;
static struct tls_server *server, *open_server; /* the second takes strangers */

static int setup(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	if (mkdtemp(folder) == NULL || tls_global_init(&err) != STATUS_OK)
		return -1;
	ca = certs_ca("Test CA");
	other_ca = certs_ca("Other CA");
	server_pair = certs_leaf(&ca, NULL, true, -1, 10);
	cert_path = certs_write(folder, "server.crt", buf_span(&server_pair.cert));
	key_path = certs_write(folder, "server.key", buf_span(&server_pair.key));
	ca_path = certs_write(folder, "ca.crt", buf_span(&ca.cert));
	if (tls_server_new(&(struct tls_files){ cert_path, key_path, ca_path, true }, &open_server, &err) != STATUS_OK)
		return -1;
	return tls_server_new(&(struct tls_files){ cert_path, key_path, ca_path, false }, &server, &err) == STATUS_OK ? 0 : -1;
}

static void remove_file(char *path)
{
	(void)unlink(path);
	free(path);
}

static int teardown(void **state)
{
	(void)state;
	tls_server_unref(server);
	tls_server_unref(open_server);
	remove_file(cert_path);
	remove_file(key_path);
	remove_file(ca_path);
	certs_pair_done(&ca);
	certs_pair_done(&other_ca);
	certs_pair_done(&server_pair);
	return rmdir(folder);
}

static int client_random(void *unused, unsigned char *bytes, size_t len)
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

static int client_send(void *ctx, const unsigned char *bytes, size_t len)
{
	buf_append(&((struct client *)ctx)->out, bytes, len);
	return (int)len;
}

static int client_receive(void *ctx, unsigned char *bytes, size_t cap)
{
	struct client *client = ctx;
	struct span ready = span_sub(buf_span(&client->in), 0, cap);

	if (ready.len == 0)
		return MBEDTLS_ERR_SSL_WANT_READ;
	memcpy(bytes, ready.ptr, ready.len);
	buf_consume(&client->in, ready.len);
	return (int)ready.len;
}

/* `pair` NULL: no certificate. */
static struct client *client_new(struct certs_pair *pair, mbedtls_ssl_protocol_version version)
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
	assert_int_equal(mbedtls_x509_crt_parse(&client->ca, (const uint8_t *)buf_cstr(&ca.cert), ca.cert.len + 1), 0);
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

static void client_free(struct client *client)
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

static void to_client(struct tls_session *session, struct client *client)
{
	struct span output = tls_session_output(session);

	buf_append_span(&client->in, output);
	tls_session_sent(session, output.len);
}

/* Until the server has decided, handing it `step` bytes at a time. */
static enum status shake(struct tls_session *session, struct client *client, size_t step, struct err *err)
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

static const mbedtls_ssl_protocol_version versions[] = { MBEDTLS_SSL_VERSION_TLS1_2, MBEDTLS_SSL_VERSION_TLS1_3 };

static void tls_session_names_its_peer(void **state)
{
	struct certs_pair pair = certs_leaf(&ca, URI, false, -1, 10);

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct client *client = client_new(&pair, versions[i / 2]);
		struct tls_session *session = NULL;
		struct span uri;
		char hex[DIGEST_HEX_SIZE], want[DIGEST_HEX_SIZE];
		struct err err = ERR_INIT;
		int64_t left_s;

		assert_int_equal(tls_session_new(server, &session), STATUS_OK);
		assert_int_equal(shake(session, client, i % 2 == 0 ? 1 : 100000, &err), STATUS_OK);
		assert_int_equal(tls_session_peer_uri(session, &uri), STATUS_OK);
		assert_true(span_eq(uri, SPAN_LIT(URI)));
		left_s = tls_session_peer_not_after_s(session) - (int64_t)time(NULL);
		assert_true(left_s > 9 * CERTS_DAY_S && left_s <= 10 * CERTS_DAY_S);
		tls_session_peer_fingerprint(session, hex);
		digest_hex(span_of(client->chain.raw.p, client->chain.raw.len), want);
		assert_string_equal(hex, want);
		tls_session_free(session);
		client_free(client);
	}
	certs_pair_done(&pair);
}

static void tls_session_refuses_with_the_reason(void **state)
{
	const struct {
		const struct certs_pair *signer; /* NULL: no certificate at all */
		int from_day, to_day;
		const char *words;
	} rows[] = {
		{ NULL, 0, 0, "no certificate" },
		{ &other_ca, -1, 10, "certificate not signed by the client CA" },
		{ &ca, -10, -1, "certificate expired" },
		{ &ca, 1, 10, "certificate not yet valid" },
	};

	(void)state;
	for (size_t i = 0; i < 2 * (sizeof rows / sizeof *rows); i++) {
		size_t row = i / 2;
		bool has_pair = rows[row].signer != NULL;
		struct certs_pair pair = { BUF_INIT(1), BUF_INIT(1) };
		struct tls_session *session = NULL;
		struct err err = ERR_INIT;
		struct client *client;

		if (has_pair)
			pair = certs_leaf(rows[row].signer, URI, false, rows[row].from_day, rows[row].to_day);
		client = client_new(has_pair ? &pair : NULL, versions[i % 2]);
		assert_int_equal(tls_session_new(server, &session), STATUS_OK);
		assert_int_equal(shake(session, client, 100000, &err), STATUS_DENIED);
		assert_string_equal(err.text, rows[row].words);
		tls_session_free(session);
		client_free(client);
		certs_pair_done(&pair);
	}
}

static void tls_session_takes_strangers_but_no_bad_certificate_where_that_is_wanted(void **state)
{
	const struct {
		const struct certs_pair *signer; /* NULL: no certificate at all */
		int from_day, to_day;
		enum status status;
	} rows[] = {
		{ NULL, 0, 0, STATUS_OK },
		{ &ca, -1, 10, STATUS_OK },
		{ &other_ca, -1, 10, STATUS_DENIED },
		{ &ca, -10, -1, STATUS_DENIED },
	};

	(void)state;
	for (size_t i = 0; i < 2 * (sizeof rows / sizeof *rows); i++) {
		size_t row = i / 2;
		bool has_pair = rows[row].signer != NULL;
		struct certs_pair pair = { BUF_INIT(1), BUF_INIT(1) };
		struct tls_session *session = NULL;
		struct err err = ERR_INIT;
		struct client *client;

		if (has_pair)
			pair = certs_leaf(rows[row].signer, URI, false, rows[row].from_day, rows[row].to_day);
		client = client_new(has_pair ? &pair : NULL, versions[i % 2]);
		assert_int_equal(tls_session_new(open_server, &session), STATUS_OK);
		assert_int_equal(shake(session, client, 100000, &err), rows[row].status);
		if (rows[row].status == STATUS_OK)
			assert_int_equal(tls_session_has_peer(session), has_pair);
		tls_session_free(session);
		client_free(client);
		certs_pair_done(&pair);
	}
}

static void tls_session_refuses_garbage(void **state)
{
	struct tls_session *session = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(tls_session_new(server, &session), STATUS_OK);
	assert_int_equal(tls_session_feed(session, SPAN_LIT("GET / HTTP/1.1\r\nHost: h\r\n\r\n")), STATUS_OK);
	assert_int_equal(tls_session_handshake(session, &err), STATUS_INVALID);
	assert_string_not_equal(err.text, "");
	tls_session_free(session);
}

static void tls_session_caps_unread_input(void **state)
{
	struct tls_session *session = NULL;
	static uint8_t bytes[LIMIT_TLS_INPUT];

	(void)state;
	assert_int_equal(tls_session_new(server, &session), STATUS_OK);
	assert_int_equal(tls_session_feed(session, span_of(bytes, sizeof bytes)), STATUS_OK);
	assert_int_equal(tls_session_feed(session, SPAN_LIT("x")), STATUS_TOO_LARGE);
	tls_session_free(session);
}

/* Reads what the client sent until nothing is left; gives the last status. */
static enum status read_all(struct tls_session *session, struct client *client, struct buf *ret_plain)
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

/* 1 MB so that many records are needed. */
enum { LONG = 1 << 20 };

static void exchange_plain(struct tls_session *session, struct client *client)
{
	BUF_AUTO plain = BUF_INIT(2 * LONG);
	uint8_t *sent = malloc(LONG), *got = malloc(LONG);
	size_t at = 0;

	assert_true(sent != NULL && got != NULL);
	for (size_t i = 0; i < LONG; i++)
		sent[i] = (uint8_t)(i * 31 + i / 257);
	while (at < LONG) {
		int put = mbedtls_ssl_write(&client->ssl, sent + at, LONG - at);

		assert_true(put > 0);
		at += (size_t)put;
	}
	assert_int_equal(read_all(session, client, &plain), STATUS_AGAIN);
	assert_true(span_eq(buf_span(&plain), span_of(sent, LONG)));
	assert_int_equal(tls_session_write(session, span_of(sent, LONG)), STATUS_OK);
	to_client(session, client);
	for (at = 0; at < LONG;) {
		int len = mbedtls_ssl_read(&client->ssl, got + at, LONG - at);

		assert_true(len > 0);
		at += (size_t)len;
	}
	assert_memory_equal(sent, got, LONG);
	free(sent);
	free(got);
}

static void tls_session_moves_bytes_both_ways_and_ends_in_order(void **state)
{
	struct certs_pair pair = certs_leaf(&ca, URI, false, -1, 10);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct client *client = client_new(&pair, versions[i]);
		struct tls_session *session = NULL;
		BUF_AUTO plain = BUF_INIT(100);
		uint8_t byte;

		assert_int_equal(tls_session_new(server, &session), STATUS_OK);
		assert_int_equal(shake(session, client, 100000, NULL), STATUS_OK);
		(void)mbedtls_ssl_handshake(&client->ssl);
		exchange_plain(session, client);
		assert_int_equal(mbedtls_ssl_close_notify(&client->ssl), 0);
		assert_int_equal(read_all(session, client, &plain), STATUS_CLOSED);
		tls_session_close(session);
		to_client(session, client);
		assert_int_equal(mbedtls_ssl_read(&client->ssl, &byte, 1), MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
		tls_session_free(session);
		client_free(client);
	}
	certs_pair_done(&pair);
}

static void tls_session_does_not_resume(void **state)
{
	struct certs_pair pair = certs_leaf(&ca, URI, false, -1, 10);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct client *client = client_new(&pair, versions[i]);
		struct tls_session *session = NULL;
		uint8_t byte;

		mbedtls_ssl_conf_session_tickets(&client->config, MBEDTLS_SSL_SESSION_TICKETS_ENABLED);
		mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
			&client->config, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
		assert_int_equal(tls_session_new(server, &session), STATUS_OK);
		assert_int_equal(shake(session, client, 100000, NULL), STATUS_OK);
		(void)mbedtls_ssl_handshake(&client->ssl);
		/* A ticket would come as a result of its own in TLS 1.3, and be kept in the session in TLS 1.2. */
		assert_int_equal(mbedtls_ssl_read(&client->ssl, &byte, 1), MBEDTLS_ERR_SSL_WANT_READ);
		assert_int_equal(client->ssl.MBEDTLS_PRIVATE(session)->MBEDTLS_PRIVATE(ticket_len), 0);
		tls_session_free(session);
		client_free(client);
	}
	certs_pair_done(&pair);
}

static void tls_session_gives_no_uri_when_there_is_none(void **state)
{
	struct certs_pair pair = certs_leaf(&ca, NULL, false, -1, 10);
	struct client *client = client_new(&pair, MBEDTLS_SSL_VERSION_TLS1_3);
	struct tls_session *session = NULL;
	struct span uri;

	(void)state;
	assert_int_equal(tls_session_new(server, &session), STATUS_OK);
	assert_int_equal(shake(session, client, 100000, NULL), STATUS_OK);
	assert_int_equal(tls_session_peer_uri(session, &uri), STATUS_INVALID);
	tls_session_free(session);
	client_free(client);
	certs_pair_done(&pair);
}

static void tls_server_names_the_file_that_is_wrong(void **state)
{
	char missing[] = "/nonexistent/server.crt";
	const struct {
		struct tls_files files;
		const char *words;
	} rows[] = {
		{ { missing, key_path, ca_path, false }, missing },
		{ { key_path, key_path, ca_path, false }, "server.key is not a certificate" },
		{ { cert_path, ca_path, ca_path, false }, "ca.crt is not a key" },
		{ { ca_path, key_path, ca_path, false }, "does not belong to the certificate" },
		{ { cert_path, key_path, key_path, false }, "server.key is not a list of certificates" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct tls_server *made = NULL;
		struct err err = ERR_INIT;

		assert_int_equal(tls_server_new(&rows[i].files, &made, &err), STATUS_INVALID);
		assert_null(made);
		if (strstr(err.text, rows[i].words) == NULL)
			fail_msg("%s", err.text);
	}
}

static void tls_server_lives_as_long_as_its_last_session(void **state)
{
	struct tls_server *brief = NULL;
	struct tls_session *session = NULL;
	struct certs_pair pair = certs_leaf(&ca, URI, false, -1, 10);
	struct client *client = client_new(&pair, MBEDTLS_SSL_VERSION_TLS1_3);

	(void)state;
	assert_int_equal(tls_server_new(&(struct tls_files){ cert_path, key_path, ca_path, false }, &brief, NULL), STATUS_OK);
	assert_int_equal(tls_session_new(brief, &session), STATUS_OK);
	tls_server_unref(brief);
	assert_int_equal(shake(session, client, 100000, NULL), STATUS_OK);
	tls_session_free(session);
	client_free(client);
	certs_pair_done(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_session_names_its_peer),
		cmocka_unit_test(tls_session_refuses_with_the_reason),
		cmocka_unit_test(tls_session_takes_strangers_but_no_bad_certificate_where_that_is_wanted),
		cmocka_unit_test(tls_session_refuses_garbage),
		cmocka_unit_test(tls_session_caps_unread_input),
		cmocka_unit_test(tls_session_moves_bytes_both_ways_and_ends_in_order),
		cmocka_unit_test(tls_session_does_not_resume),
		cmocka_unit_test(tls_session_gives_no_uri_when_there_is_none),
		cmocka_unit_test(tls_server_names_the_file_that_is_wrong),
		cmocka_unit_test(tls_server_lives_as_long_as_its_last_session),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

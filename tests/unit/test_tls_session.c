#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/tls_client.h"

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
	if (tls_server_new(&(struct tls_files){ cert_path, key_path, ca_path, true, NULL, NULL, NULL }, &open_server, &err) != STATUS_OK)
		return -1;
	return tls_server_new(&(struct tls_files){ cert_path, key_path, ca_path, false, NULL, NULL, NULL }, &server, &err) == STATUS_OK ? 0 : -1;
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

static const mbedtls_ssl_protocol_version versions[] = { MBEDTLS_SSL_VERSION_TLS1_2, MBEDTLS_SSL_VERSION_TLS1_3 };

static void tls_session_names_its_peer(void **state)
{
	struct certs_pair pair = certs_leaf(&ca, URI, false, -1, 10);

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct client *client = client_new(&ca, &pair, versions[i / 2]);
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
		client = client_new(&ca, has_pair ? &pair : NULL, versions[i % 2]);
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
		client = client_new(&ca, has_pair ? &pair : NULL, versions[i % 2]);
		assert_int_equal(tls_session_new(open_server, &session), STATUS_OK);
		assert_int_equal(shake(session, client, 100000, &err), rows[row].status);
		if (rows[row].status == STATUS_OK)
			assert_int_equal(tls_session_has_peer(session), has_pair);
		tls_session_free(session);
		client_free(client);
		certs_pair_done(&pair);
	}
}

static bool is_w1(struct span uri)
{
	return span_eq(uri, SPAN_LIT(URI));
}

static void tls_session_takes_a_limited_authority_for_what_it_may_sign_only(void **state)
{
	static const struct {
		bool is_limited; /* signed by the limited authority */
		const char *uri;
		enum status status;
	} rows[] = {
		{ true, URI, STATUS_OK },
		{ true, "spiffe://rescue.example/org/acme/operator", STATUS_DENIED },
		{ true, NULL, STATUS_DENIED },
		{ false, "spiffe://rescue.example/org/acme/operator", STATUS_OK },
	};
	char *limited_path = certs_write(folder, "limited.crt", buf_span(&other_ca.cert));
	struct tls_server *limiting = NULL;

	(void)state;
	assert_int_equal(tls_server_new(&(struct tls_files){ cert_path, key_path, ca_path, false, NULL, limited_path, is_w1 },
	                                &limiting, NULL), STATUS_OK);
	for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
		size_t row = i / 2;
		struct certs_pair pair = certs_leaf(rows[row].is_limited ? &other_ca : &ca, rows[row].uri, false, -1, 10);
		struct client *client = client_new(&ca, &pair, versions[i % 2]);
		struct tls_session *session = NULL;

		assert_int_equal(tls_session_new(limiting, &session), STATUS_OK);
		if (shake(session, client, 100000, NULL) != rows[row].status)
			fail_msg("row %zu", row);
		tls_session_free(session);
		client_free(client);
		certs_pair_done(&pair);
	}
	tls_server_unref(limiting);
	(void)unlink(limited_path);
	free(limited_path);
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
		struct client *client = client_new(&ca, &pair, versions[i]);
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

/* What waits has no record buffers; the next record, of any size, finds them again, and the count of records goes on. */
static void tls_session_rests_between_records(void **state)
{
	struct certs_pair pair = certs_leaf(&ca, URI, false, -1, 10);
	uint8_t sent[16384], byte;

	(void)state;
	memset(sent, 'x', sizeof sent);
	for (size_t i = 0; i < 4; i++) {
		struct client *client = client_new(&ca, &pair, versions[i / 2]);
		struct tls_session *session = NULL;

		assert_int_equal(tls_session_new(server, &session), STATUS_OK);
		assert_int_equal(shake(session, client, 100000, NULL), STATUS_OK);
		(void)mbedtls_ssl_handshake(&client->ssl);
		for (size_t round = 0; round < 5; round++) {
			BUF_AUTO plain = BUF_INIT(sizeof sent);
			size_t len = i % 2 == 0 ? sizeof sent : 1, read_len = 1;

			tls_session_rest(session);
			tls_session_rest(session);
			assert_int_equal(tls_session_read(session, &byte, 1, &read_len), STATUS_AGAIN);
			for (size_t at = 0; at < len;) {
				int put = mbedtls_ssl_write(&client->ssl, sent + at, len - at);

				assert_true(put > 0);
				at += (size_t)put;
			}
			/* In pieces of 1,000 bytes: a record that has not come as a whole does not let it rest. */
			while (client->out.len > 0) {
				struct span piece = span_sub(buf_span(&client->out), 0, 1000);
				size_t got;

				tls_session_rest(session);
				assert_int_equal(tls_session_feed(session, piece), STATUS_OK);
				buf_consume(&client->out, piece.len);
				while (tls_session_read(session, sent, sizeof sent, &got) == STATUS_OK)
					buf_append(&plain, sent, got);
			}
			assert_int_equal(plain.len, len);
			tls_session_rest(session);
			assert_int_equal(tls_session_write(session, SPAN_LIT("y")), STATUS_OK);
			tls_session_rest(session);
			to_client(session, client);
			assert_int_equal(mbedtls_ssl_read(&client->ssl, &byte, 1), 1);
			assert_int_equal(byte, 'y');
		}
		tls_session_rest(session);
		tls_session_close(session);
		to_client(session, client);
		assert_int_equal(mbedtls_ssl_read(&client->ssl, &byte, 1), MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
		tls_session_free(session);
		client_free(client);
	}
	certs_pair_done(&pair);
}

/* A chain that is known to be good says nothing about who has the key. */
static void tls_session_wants_proof_also_of_a_known_certificate(void **state)
{
	struct certs_pair pair = certs_leaf(&ca, URI, false, -1, 10), thief = certs_leaf(&ca, URI, false, -1, 10);

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct client *client;
		struct tls_session *session = NULL;

		if (i % 2 == 1) {
			buf_done(&thief.cert);
			buf_append_span(&thief.cert, buf_span(&pair.cert));
		}
		client = client_new(&ca, i % 2 == 0 ? &pair : &thief, versions[i / 2]);
		assert_int_equal(tls_session_new(server, &session), STATUS_OK);
		assert_int_equal(shake(session, client, 100000, NULL), i % 2 == 0 ? STATUS_OK : STATUS_INVALID);
		tls_session_free(session);
		client_free(client);
	}
	certs_pair_done(&pair);
	certs_pair_done(&thief);
}

static void tls_session_does_not_resume_without_keys(void **state)
{
	struct certs_pair pair = certs_leaf(&ca, URI, false, -1, 10);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct client *client = client_new(&ca, &pair, versions[i]);
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
	struct client *client = client_new(&ca, &pair, MBEDTLS_SSL_VERSION_TLS1_3);
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
		{ { missing, key_path, ca_path, false, NULL, NULL, NULL }, missing },
		{ { key_path, key_path, ca_path, false, NULL, NULL, NULL }, "server.key is not a certificate" },
		{ { cert_path, ca_path, ca_path, false, NULL, NULL, NULL }, "ca.crt is not a key" },
		{ { ca_path, key_path, ca_path, false, NULL, NULL, NULL }, "does not belong to the certificate" },
		{ { cert_path, key_path, key_path, false, NULL, NULL, NULL }, "server.key is not a list of certificates" },
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
	struct client *client = client_new(&ca, &pair, MBEDTLS_SSL_VERSION_TLS1_3);

	(void)state;
	assert_int_equal(tls_server_new(&(struct tls_files){ cert_path, key_path, ca_path, false, NULL, NULL, NULL }, &brief, NULL), STATUS_OK);
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
		cmocka_unit_test(tls_session_takes_a_limited_authority_for_what_it_may_sign_only),
		cmocka_unit_test(tls_session_refuses_garbage),
		cmocka_unit_test(tls_session_caps_unread_input),
		cmocka_unit_test(tls_session_moves_bytes_both_ways_and_ends_in_order),
		cmocka_unit_test(tls_session_rests_between_records),
		cmocka_unit_test(tls_session_wants_proof_also_of_a_known_certificate),
		cmocka_unit_test(tls_session_does_not_resume_without_keys),
		cmocka_unit_test(tls_session_gives_no_uri_when_there_is_none),
		cmocka_unit_test(tls_server_names_the_file_that_is_wrong),
		cmocka_unit_test(tls_server_lives_as_long_as_its_last_session),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "shared/tls/server.h"
#include "tests/unit/tls_client.h"

#define ACME "spiffe://rescue.example/org/acme/"
#define URI ACME "workspace/w1"

enum { HOUR_MS = 3600 * 1000 };

static const mbedtls_ssl_protocol_version versions[] = { MBEDTLS_SSL_VERSION_TLS1_2, MBEDTLS_SSL_VERSION_TLS1_3 };

static char folder[] = "/tmp/rescue-tickets-XXXXXX";
static struct certs_pair ca, server_pair, pair;
static char *cert_path, *key_path, *ca_path, *wide_ca_path;

/* Key 1 begins at 0 and ends after two hours, key 2 begins and ends an hour later, and so on. */
static struct tls_ticket_key key_of(unsigned number)
{
	struct tls_ticket_key key = { .begin_ms = (int64_t)(number - 1) * HOUR_MS, .end_ms = (int64_t)(number + 1) * HOUR_MS };

	memset(key.name, (int)number, sizeof key.name);
	memset(key.secret, (int)(100 + number), sizeof key.secret);
	return key;
}

static int setup(void **state)
{
	BUF_AUTO wide = BUF_INIT(LIMIT_CERT_FILE);
	struct certs_pair other;
	struct err err = ERR_INIT;

	(void)state;
	if (mkdtemp(folder) == NULL || tls_global_init(&err) != STATUS_OK)
		return -1;
	ca = certs_ca("Test CA");
	other = certs_ca("Other CA");
	server_pair = certs_leaf(&ca, NULL, true, -1, 10);
	pair = certs_leaf(&ca, URI, false, -1, 10);
	buf_append_span(&wide, buf_span(&ca.cert));
	buf_append_span(&wide, buf_span(&other.cert));
	cert_path = certs_write(folder, "server.crt", buf_span(&server_pair.cert));
	key_path = certs_write(folder, "server.key", buf_span(&server_pair.key));
	ca_path = certs_write(folder, "ca.crt", buf_span(&ca.cert));
	wide_ca_path = certs_write(folder, "wide.crt", buf_span(&wide));
	certs_pair_done(&other);
	return 0;
}

static int teardown(void **state)
{
	char *paths[] = { cert_path, key_path, ca_path, wide_ca_path };

	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		(void)unlink(paths[i]);
		free(paths[i]);
	}
	certs_pair_done(&ca);
	certs_pair_done(&server_pair);
	certs_pair_done(&pair);
	return rmdir(folder);
}

/* A replica: its own server, and its own copy of the keys. */
struct replica {
	struct tls_tickets *tickets;
	struct tls_server *server;
};

static struct replica replica_new(const char *client_ca, const char *prefix, unsigned first_key, int64_t now_ms,
                                  bool takes_strangers)
{
	const struct tls_ticket_key keys[] = { key_of(first_key), key_of(first_key + 1), key_of(first_key + 2) };
	struct replica replica = { .tickets = tls_tickets_new(2) };
	struct tls_files files = { cert_path, key_path, client_ca, takes_strangers, replica.tickets, NULL, NULL };
	struct err err = ERR_INIT;

	assert_non_null(replica.tickets);
	/* The first scope is another tenant's, with other keys. */
	tls_tickets_set(replica.tickets, 0, "spiffe://rescue.example/org/other/",
	                &(struct tls_ticket_key){ .name = "o", .secret = "other", .end_ms = INT64_MAX }, 1, 0);
	tls_tickets_set(replica.tickets, 1, prefix, keys, 3, now_ms);
	assert_int_equal(tls_server_new(&files, &replica.server, &err), STATUS_OK);
	return replica;
}

static void replica_done(struct replica *replica)
{
	tls_server_unref(replica->server);
	tls_tickets_free(replica->tickets);
}

/* One connection: whether it was resumed, and the ticket that it brought. */
struct visit {
	enum status status;
	bool resumed, has_peer, got_ticket;
	int64_t not_after_s;
	char uri[200];
	mbedtls_ssl_session ticket;
};

static void take_ticket(struct client *client, struct visit *visit)
{
	uint8_t byte;

	/* The first call finds the message, the second one takes it in. */
	if (mbedtls_ssl_get_version_number(&client->ssl) == MBEDTLS_SSL_VERSION_TLS1_3)
		visit->got_ticket =
			mbedtls_ssl_read(&client->ssl, &byte, 1) == MBEDTLS_ERR_SSL_WANT_READ &&
			mbedtls_ssl_read(&client->ssl, &byte, 1) == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET;
	else
		visit->got_ticket = client->ssl.MBEDTLS_PRIVATE(session)->MBEDTLS_PRIVATE(ticket_len) > 0;
	if (visit->got_ticket)
		assert_int_equal(mbedtls_ssl_get_session(&client->ssl, &visit->ticket), 0);
}

static struct visit visit(const struct replica *replica, struct certs_pair *who, mbedtls_ssl_protocol_version version,
                          struct visit *earlier)
{
	struct client *client = client_new(&ca, who, version);
	struct visit visit = { .status = STATUS_AGAIN };
	struct tls_session *session = NULL;
	struct span uri;

	mbedtls_ssl_session_init(&visit.ticket);
	mbedtls_ssl_conf_session_tickets(&client->config, MBEDTLS_SSL_SESSION_TICKETS_ENABLED);
	mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(&client->config,
	                                                         MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
	if (earlier != NULL && earlier->got_ticket)
		assert_int_equal(mbedtls_ssl_set_session(&client->ssl, &earlier->ticket), 0);
	assert_int_equal(tls_session_new(replica->server, &session), STATUS_OK);
	visit.status = shake(session, client, 100000, NULL);
	(void)mbedtls_ssl_handshake(&client->ssl);
	if (visit.status == STATUS_OK) {
		visit.resumed = tls_session_is_resumed(session);
		visit.has_peer = tls_session_has_peer(session);
		take_ticket(client, &visit);
	}
	if (visit.has_peer) {
		visit.not_after_s = tls_session_peer_not_after_s(session);
		assert_int_equal(tls_session_peer_uri(session, &uri), STATUS_OK);
		(void)snprintf(visit.uri, sizeof visit.uri, "%.*s", SPAN_ARG(uri));
	}
	tls_session_free(session);
	client_free(client);
	return visit;
}

static void tickets_carry_the_peer_to_another_replica_again_and_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct replica one = replica_new(ca_path, ACME, 1, 10, false), two = replica_new(ca_path, ACME, 1, 10, false);
		struct visit first = visit(&one, &pair, versions[i], NULL);
		struct visit second = visit(&two, &pair, versions[i], &first);

		assert_int_equal(first.status, STATUS_OK);
		assert_false(first.resumed);
		assert_true(first.got_ticket);
		assert_int_equal(second.status, STATUS_OK);
		assert_true(second.resumed);
		assert_string_equal(second.uri, URI);
		assert_int_equal(second.not_after_s, first.not_after_s);
		if (second.got_ticket) {
			struct visit third = visit(&one, &pair, versions[i], &second);

			assert_true(third.resumed);
			assert_string_equal(third.uri, URI);
			mbedtls_ssl_session_free(&third.ticket);
		}
		mbedtls_ssl_session_free(&first.ticket);
		mbedtls_ssl_session_free(&second.ticket);
		replica_done(&one);
		replica_done(&two);
	}
}

/* The peer proves its certificate anew, and is served. */
static void tickets_are_refused(const char *client_ca, const char *prefix, unsigned first_key, int64_t now_ms)
{
	for (size_t i = 0; i < 2; i++) {
		struct replica one = replica_new(ca_path, ACME, 1, 10, false);
		struct replica two = replica_new(client_ca, prefix, first_key, now_ms, false);
		struct visit first = visit(&one, &pair, versions[i], NULL);
		struct visit second = visit(&two, &pair, versions[i], &first);

		assert_true(first.got_ticket);
		assert_int_equal(second.status, STATUS_OK);
		assert_false(second.resumed);
		assert_string_equal(second.uri, URI);
		mbedtls_ssl_session_free(&first.ticket);
		mbedtls_ssl_session_free(&second.ticket);
		replica_done(&one);
		replica_done(&two);
	}
}

static void tickets_end_with_their_key(void **state)
{
	(void)state;
	tickets_are_refused(ca_path, ACME, 1, 2 * HOUR_MS);
	tickets_are_refused(ca_path, ACME, 2, HOUR_MS + 1);
}

static void tickets_outlive_one_rotation(void **state)
{
	struct replica one = replica_new(ca_path, ACME, 1, 10, false), two = replica_new(ca_path, ACME, 1, HOUR_MS + 10, false);
	struct visit first = visit(&one, &pair, MBEDTLS_SSL_VERSION_TLS1_2, NULL);
	struct visit second = visit(&two, &pair, MBEDTLS_SSL_VERSION_TLS1_2, &first);

	(void)state;
	assert_true(second.resumed);
	mbedtls_ssl_session_free(&first.ticket);
	mbedtls_ssl_session_free(&second.ticket);
	replica_done(&one);
	replica_done(&two);
}

static void tickets_are_worth_nothing_with_other_authorities(void **state)
{
	(void)state;
	tickets_are_refused(wide_ca_path, ACME, 1, 10);
}

static void tickets_of_one_tenants_key_say_nothing_about_another_tenant(void **state)
{
	(void)state;
	tickets_are_refused(ca_path, "spiffe://rescue.example/org/acm/", 1, 10);
}

static void tickets_end_with_the_certificate(void **state)
{
	struct replica one = replica_new(ca_path, ACME, 1, 10, false);
	BUF_AUTO plain = BUF_INIT(LIMIT_TICKET_BYTES);
	struct visit first = visit(&one, &pair, MBEDTLS_SSL_VERSION_TLS1_3, NULL), second;
	uint8_t *ticket = first.ticket.MBEDTLS_PRIVATE(ticket), *end_at;
	size_t len = first.ticket.MBEDTLS_PRIVATE(ticket_len);
	struct seal seal;

	(void)state;
	assert_true(first.got_ticket);
	/* The same ticket, but that the certificate ended a second ago. */
	assert_true(seal_open(one.tickets, one.server->trust, span_of(ticket, len), &seal, &plain));
	end_at = plain.ptr + plain.len - strlen(URI) - 8;
	assert_int_equal(mbed_get_u64(end_at), first.not_after_s);
	for (size_t i = 0; i < 8; i++)
		end_at[i] = (uint8_t)((uint64_t)(time(NULL) - 1) >> (8 * (7 - i)));
	assert_int_equal(seal_close(&seal, one.server->trust, buf_span(&plain), ticket, len), len);
	second = visit(&one, &pair, MBEDTLS_SSL_VERSION_TLS1_3, &first);
	assert_int_equal(second.status, STATUS_OK);
	assert_false(second.resumed);
	mbedtls_ssl_session_free(&first.ticket);
	mbedtls_ssl_session_free(&second.ticket);
	replica_done(&one);
}

static void tickets_that_were_changed_are_refused(void **state)
{
	struct replica one = replica_new(ca_path, ACME, 1, 10, false);

	(void)state;
	for (size_t at = 0; at < 180; at += 23) {
		struct visit first = visit(&one, &pair, MBEDTLS_SSL_VERSION_TLS1_3, NULL), second;

		assert_true(first.ticket.MBEDTLS_PRIVATE(ticket_len) > 180);
		first.ticket.MBEDTLS_PRIVATE(ticket)[at] ^= 1;
		second = visit(&one, &pair, MBEDTLS_SSL_VERSION_TLS1_3, &first);
		assert_int_equal(second.status, STATUS_OK);
		assert_false(second.resumed);
		mbedtls_ssl_session_free(&first.ticket);
		mbedtls_ssl_session_free(&second.ticket);
	}
	replica_done(&one);
}

/* The stolen part of a ticket that everybody on the wire may see is of no use without the secret that belongs to it. */
static void tickets_need_their_secret(void **state)
{
	struct replica one = replica_new(ca_path, ACME, 1, 10, true);
	struct visit first = visit(&one, &pair, MBEDTLS_SSL_VERSION_TLS1_3, NULL), second;

	(void)state;
	first.ticket.MBEDTLS_PRIVATE(resumption_key)[0] ^= 1;
	second = visit(&one, NULL, MBEDTLS_SSL_VERSION_TLS1_3, &first);
	assert_int_equal(second.status, STATUS_INVALID);
	mbedtls_ssl_session_free(&first.ticket);
	mbedtls_ssl_session_free(&second.ticket);
	replica_done(&one);
}

static void tickets_make_nobody_of_a_stranger(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct replica one = replica_new(ca_path, ACME, 1, 10, true);
		struct replica later = replica_new(ca_path, ACME, 1, 2 * HOUR_MS, true);
		struct visit known = visit(&one, &pair, versions[i], NULL);
		struct visit stranger = visit(&one, NULL, versions[i], NULL);
		struct visit again = visit(&one, NULL, versions[i], &stranger);
		/* A ticket that is not accepted any more leaves no trace of whom it spoke of. */
		struct visit late = visit(&later, NULL, versions[i], &known);

		assert_false(stranger.has_peer);
		assert_int_equal(again.status, STATUS_OK);
		assert_false(again.resumed || again.has_peer);
		assert_int_equal(late.status, STATUS_OK);
		assert_false(late.resumed || late.has_peer);
		mbedtls_ssl_session_free(&known.ticket);
		mbedtls_ssl_session_free(&stranger.ticket);
		mbedtls_ssl_session_free(&again.ticket);
		mbedtls_ssl_session_free(&late.ticket);
		replica_done(&one);
		replica_done(&later);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tickets_carry_the_peer_to_another_replica_again_and_again),
		cmocka_unit_test(tickets_end_with_their_key),
		cmocka_unit_test(tickets_outlive_one_rotation),
		cmocka_unit_test(tickets_are_worth_nothing_with_other_authorities),
		cmocka_unit_test(tickets_of_one_tenants_key_say_nothing_about_another_tenant),
		cmocka_unit_test(tickets_end_with_the_certificate),
		cmocka_unit_test(tickets_that_were_changed_are_refused),
		cmocka_unit_test(tickets_need_their_secret),
		cmocka_unit_test(tickets_make_nobody_of_a_stranger),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

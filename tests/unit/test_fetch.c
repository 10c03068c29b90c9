#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "shared/clock.h"
#include "shared/fetch.h"
#include "shared/tls/session.h"
#include "tests/unit/certs.h"

/* A small server: one connection at a time, each request answered by what its path says. */
struct server {
	int listener;
	int stop_fd; /* written when a request for /hang is there */
	struct tls_server *tls; /* NULL: plain */
	int connections;
	pthread_t thread;
	char url[64];
};

struct peer {
	int fd;
	struct tls_session *session;
	struct buf in; /* plain bytes */
};

static char folder[] = "/tmp/rescue-fetch-XXXXXX";
static struct certs_pair ca, other_ca;

static void flush(struct peer *peer)
{
	struct span output = tls_session_output(peer->session);

	while (output.len > 0) {
		ssize_t put = send(peer->fd, output.ptr, output.len, MSG_NOSIGNAL);

		if (put <= 0)
			return;
		tls_session_sent(peer->session, (size_t)put);
		output = tls_session_output(peer->session);
	}
}

static void say(struct peer *peer, struct span text)
{
	if (peer->session != NULL) {
		(void)!tls_session_write(peer->session, text);
		flush(peer);
		return;
	}
	while (text.len > 0) {
		ssize_t put = send(peer->fd, text.ptr, text.len, MSG_NOSIGNAL);

		if (put <= 0)
			return;
		text = span_sub(text, (size_t)put, text.len);
	}
}

/* Takes the plain bytes out of what was fed. */
static bool drain(struct peer *peer)
{
	enum status status = STATUS_OK;

	while (status == STATUS_OK) {
		uint8_t bytes[4096];
		size_t len;

		status = tls_session_read(peer->session, bytes, sizeof bytes, &len);
		buf_append(&peer->in, bytes, len);
	}
	flush(peer);
	return status == STATUS_AGAIN;
}

/* Waits for more; false at the end of the connection. */
static bool hear(struct peer *peer)
{
	uint8_t bytes[16384];
	ssize_t got = recv(peer->fd, bytes, sizeof bytes, 0);

	if (got <= 0)
		return false;
	if (peer->session == NULL) {
		buf_append(&peer->in, bytes, (size_t)got);
		return true;
	}
	return tls_session_feed(peer->session, span_of(bytes, (size_t)got)) == STATUS_OK && drain(peer);
}

static bool shake(struct peer *peer)
{
	enum status status = STATUS_AGAIN;

	while (status == STATUS_AGAIN) {
		uint8_t bytes[4096];
		ssize_t got = recv(peer->fd, bytes, sizeof bytes, 0);

		if (got <= 0 || tls_session_feed(peer->session, span_of(bytes, (size_t)got)) != STATUS_OK)
			return false;
		status = tls_session_handshake(peer->session, NULL);
		flush(peer);
	}
	/* The first request may have come together with the end of the handshake. */
	return status == STATUS_OK && drain(peer);
}

static void answer(struct peer *peer, const char *head, struct span body)
{
	struct buf out = BUF_INIT(1 << 22);

	buf_printf(&out, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n", head, body.len);
	buf_append_span(&out, body);
	say(peer, buf_span(&out));
	buf_done(&out);
}

/* False: the connection ends. */
static bool serve(struct server *server, struct peer *peer, struct span head, struct span body)
{
	static uint8_t large[100000];
	char text[64];

	if (span_find(head, SPAN_LIT(" /echo "), 0) < head.len) {
		answer(peer, "200 OK", body);
	} else if (span_find(head, SPAN_LIT(" /head "), 0) < head.len) {
		answer(peer, "200 OK", head);
	} else if (span_find(head, SPAN_LIT(" /hang "), 0) < head.len) {
		(void)!eventfd_write(server->stop_fd, 1);
		while (hear(peer))
			;
		return false;
	} else if (span_find(head, SPAN_LIT(" /drip "), 0) < head.len) {
		say(peer, SPAN_LIT("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome"));
		while (hear(peer))
			;
		return false;
	} else if (span_find(head, SPAN_LIT(" /cut "), 0) < head.len) {
		say(peer, SPAN_LIT("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome"));
		return false;
	} else if (span_find(head, SPAN_LIT(" /silent "), 0) < head.len) {
		return false;
	} else if (span_find(head, SPAN_LIT(" /large "), 0) < head.len) {
		answer(peer, "200 OK", span_of(large, sizeof large));
	} else if (span_find(head, SPAN_LIT(" /busy "), 0) < head.len) {
		answer(peer, "503 Service Unavailable\r\nRetry-After: 7", SPAN_LIT(""));
	} else if (span_find(head, SPAN_LIT(" /moved "), 0) < head.len) {
		answer(peer, "302 Found\r\nLocation: /ok", SPAN_LIT("moved"));
	} else {
		(void)snprintf(text, sizeof text, "connection %d", server->connections);
		answer(peer, "200 OK", span_cstr(text));
	}
	return true;
}

/* Reads one request and answers it. */
static bool serve_next(struct server *server, struct peer *peer)
{
	struct span all = buf_span(&peer->in), head;
	size_t end, length_at, body_len = 0;
	bool goes_on;

	while ((end = span_find(all, SPAN_LIT("\r\n\r\n"), 0)) == all.len) {
		if (!hear(peer))
			return false;
		all = buf_span(&peer->in);
	}
	head = span_sub(all, 0, end + 4);
	if (span_find(head, SPAN_LIT(" /early "), 0) < head.len) {
		/* The answer comes before the body was read; what still comes is drained, as the gate does. */
		answer(peer, "413 Content Too Large", SPAN_LIT("early"));
		while (hear(peer))
			buf_reset(&peer->in);
		return false;
	}
	length_at = span_find(head, SPAN_LIT("Content-Length: "), 0);
	if (length_at < head.len)
		body_len = strtoul((const char *)head.ptr + length_at + 16, NULL, 10);
	while (peer->in.len < end + 4 + body_len) {
		if (!hear(peer))
			return false;
	}
	all = buf_span(&peer->in);
	goes_on = serve(server, peer, span_sub(all, 0, end + 4), span_sub(all, end + 4, body_len));
	if (goes_on)
		buf_consume(&peer->in, end + 4 + body_len);
	return goes_on;
}

/*
 * Closing with unread bytes resets the connection, and the reset can overtake what was said last: the alert of a
 * refused certificate, or an answer.
 */
static void peer_end(struct peer *peer)
{
	uint8_t bytes[4096];

	shutdown(peer->fd, SHUT_WR);
	while (recv(peer->fd, bytes, sizeof bytes, 0) > 0)
		;
	tls_session_free(peer->session);
	buf_done(&peer->in);
	close(peer->fd);
}

static void *serve_all(void *ctx)
{
	struct server *server = ctx;

	for (;;) {
		struct peer peer = { .fd = accept(server->listener, NULL, NULL), .in = BUF_INIT(1 << 24) };

		if (peer.fd < 0)
			return NULL;
		server->connections++;
		if (server->tls != NULL && tls_session_new(server->tls, &peer.session) != STATUS_OK)
			abort();
		if (server->tls == NULL || shake(&peer)) {
			while (serve_next(server, &peer))
				;
		}
		peer_end(&peer);
	}
}

static void server_start(struct server *server, struct tls_server *tls)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof address;

	*server = (struct server){ .tls = tls, .stop_fd = eventfd(0, EFD_CLOEXEC) };
	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server->listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(server->listener, 8), 0);
	assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &len), 0);
	(void)snprintf(server->url, sizeof server->url, "%s://localhost:%d", tls != NULL ? "https" : "http",
	               ntohs(address.sin_port));
	assert_int_equal(pthread_create(&server->thread, NULL, serve_all, server), 0);
}

/* All fetches must be freed before. */
static void server_stop(struct server *server)
{
	shutdown(server->listener, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->listener);
	close(server->stop_fd);
}

static struct fetch *fetch_make(const struct fetch_options *options)
{
	struct fetch *fetch = NULL;

	assert_int_equal(fetch_new(options, &fetch, NULL), STATUS_OK);
	return fetch;
}

/* A GET, or with a body a PUT, with the fields of `base` that are set. */
static enum status ask(struct fetch *fetch, const struct server *server, const char *path,
                       const struct fetch_request *base, struct fetch_answer *got, struct err *err)
{
	struct fetch_request request = *base;
	char url[128];

	(void)snprintf(url, sizeof url, "%s%s", server->url, path);
	request.url = url;
	if (request.method == NULL)
		request.method = request.body.len > 0 ? "PUT" : "GET";
	if (request.timeout_ms == 0)
		request.timeout_ms = 60000;
	return fetch_run(fetch, &request, got, err);
}

static const struct fetch_request plain_get = { .stop_fd = -1 };

static void fetch_keeps_its_connection(void **state)
{
	struct server server;
	struct fetch *fetch = fetch_make(&(struct fetch_options){ 0 });
	struct fetch_answer got = FETCH_ANSWER_INIT(1000);
	struct fetch_request put = { .stop_fd = -1, .body = SPAN_LIT("hello\0there") };

	(void)state;
	server_start(&server, NULL);
	assert_int_equal(ask(fetch, &server, "/ok", &plain_get, &got, NULL), STATUS_OK);
	assert_string_equal(buf_cstr(&got.body), "connection 1");
	assert_int_equal(ask(fetch, &server, "/echo", &put, &got, NULL), STATUS_OK);
	assert_true(span_eq(buf_span(&got.body), put.body));
	assert_int_equal(ask(fetch, &server, "/ok", &plain_get, &got, NULL), STATUS_OK);
	assert_string_equal(buf_cstr(&got.body), "connection 1");
	fetch_reset(fetch);
	assert_int_equal(ask(fetch, &server, "/ok", &plain_get, &got, NULL), STATUS_OK);
	assert_string_equal(buf_cstr(&got.body), "connection 2");
	assert_int_equal(got.code, 200);
	assert_int_equal(got.retry_after_s, -1);
	buf_done(&got.body);
	fetch_free(fetch);
	server_stop(&server);
}

static void fetch_gives_every_whole_answer(void **state)
{
	struct server server;
	struct fetch *fetch = fetch_make(&(struct fetch_options){ 0 });
	struct fetch_answer got = FETCH_ANSWER_INIT(1000);

	(void)state;
	server_start(&server, NULL);
	assert_int_equal(ask(fetch, &server, "/busy", &plain_get, &got, NULL), STATUS_OK);
	assert_int_equal(got.code, 503);
	assert_int_equal(got.retry_after_s, 7);
	assert_int_equal(ask(fetch, &server, "/moved", &plain_get, &got, NULL), STATUS_OK);
	assert_int_equal(got.code, 302);
	assert_string_equal(buf_cstr(&got.body), "moved");
	buf_done(&got.body);
	fetch_free(fetch);
	server_stop(&server);
}

static void fetch_sends_its_headers_and_no_others_of_note(void **state)
{
	static const char *const headers[] = { "X-One: 1", "Content-Type: application/x-ndjson", NULL };
	static const char *const forged[] = { "X-One: 1\r\nX-Two: 2", NULL };
	struct fetch_request request = { .stop_fd = -1, .method = "POST", .headers = headers };
	struct server server;
	struct fetch *fetch = fetch_make(&(struct fetch_options){ 0 });
	struct fetch_answer got = FETCH_ANSWER_INIT(10000);

	(void)state;
	server_start(&server, NULL);
	assert_int_equal(ask(fetch, &server, "/head", &request, &got, NULL), STATUS_OK);
	assert_non_null(strstr(buf_cstr(&got.body), "POST /head HTTP/1.1\r\n"));
	assert_non_null(strstr(buf_cstr(&got.body), "\r\nX-One: 1\r\nContent-Type: application/x-ndjson\r\n"));
	assert_non_null(strstr(buf_cstr(&got.body), "\r\nContent-Length: 0\r\n"));
	request.headers = NULL;
	assert_int_equal(ask(fetch, &server, "/head", &request, &got, NULL), STATUS_OK);
	assert_null(strstr(buf_cstr(&got.body), "Content-Type"));
	assert_null(strstr(buf_cstr(&got.body), "Expect"));
	request.headers = forged;
	assert_int_equal(ask(fetch, &server, "/head", &request, &got, NULL), STATUS_INVALID);
	buf_done(&got.body);
	fetch_free(fetch);
	server_stop(&server);
}

static void fetch_says_how_an_exchange_failed(void **state)
{
	static const struct {
		const char *path;
		struct fetch_request base;
		enum status status;
		const char *words;
		const char *body;
	} rows[] = {
		{ "/hang", { .stop_fd = -1, .timeout_ms = 200 }, STATUS_TIMEOUT, "no whole answer", "" },
		{ "/drip", { .stop_fd = -1, .stall_timeout_ms = 200 }, STATUS_TIMEOUT, "nothing moved for 200 ms", "some" },
		{ "/cut", { .stop_fd = -1 }, STATUS_UNAVAILABLE, "middle of the answer", "some" },
		{ "/silent", { .stop_fd = -1 }, STATUS_UNAVAILABLE, "", "" },
	};
	struct server server;
	struct fetch *fetch = fetch_make(&(struct fetch_options){ 0 });
	struct fetch_answer got = FETCH_ANSWER_INIT(1000);

	(void)state;
	server_start(&server, NULL);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = ERR_INIT;

		assert_int_equal(ask(fetch, &server, rows[i].path, &rows[i].base, &got, &err), rows[i].status);
		assert_string_not_equal(err.text, "");
		if (strstr(err.text, rows[i].words) == NULL)
			fail_msg("%s", err.text);
		assert_string_equal(buf_cstr(&got.body), rows[i].body);
		assert_int_equal(ask(fetch, &server, "/ok", &plain_get, &got, NULL), STATUS_OK);
	}
	buf_done(&got.body);
	fetch_free(fetch);
	server_stop(&server);
}

static void fetch_stops_in_the_middle_of_a_held_request(void **state)
{
	struct server server;
	struct fetch *fetch = fetch_make(&(struct fetch_options){ 0 });
	struct fetch_answer got = FETCH_ANSWER_INIT(1000);
	struct fetch_request request = { .timeout_ms = 3600 * 1000 };

	(void)state;
	server_start(&server, NULL);
	request.stop_fd = server.stop_fd;
	assert_int_equal(ask(fetch, &server, "/hang", &request, &got, NULL), STATUS_STOPPED);
	buf_done(&got.body);
	fetch_free(fetch);
	server_stop(&server);
}

static void fetch_keeps_what_fits_of_a_body_that_is_too_large(void **state)
{
	struct server server;
	struct fetch *fetch = fetch_make(&(struct fetch_options){ 0 });
	struct fetch_answer got = FETCH_ANSWER_INIT(1000);

	(void)state;
	server_start(&server, NULL);
	assert_int_equal(ask(fetch, &server, "/large", &plain_get, &got, NULL), STATUS_TOO_LARGE);
	assert_int_equal(got.body.len, 1000);
	assert_int_equal(got.code, 200);
	buf_done(&got.body);
	fetch_free(fetch);
	server_stop(&server);
}

static bool take_some(void *ctx, struct span bytes)
{
	size_t *total = ctx;

	*total += bytes.len;
	return *total < 20000;
}

static void fetch_stream_ends_when_the_sink_has_enough(void **state)
{
	struct server server;
	struct fetch *fetch = fetch_make(&(struct fetch_options){ 0 });
	struct fetch_answer got = FETCH_ANSWER_INIT(1000);
	struct fetch_request request = { .method = "GET", .timeout_ms = 60000, .stop_fd = -1 };
	size_t total = 0;
	char url[128];

	(void)state;
	server_start(&server, NULL);
	(void)snprintf(url, sizeof url, "%s/large", server.url);
	request.url = url;
	assert_int_equal(fetch_stream(fetch, &request, take_some, &total, &got, NULL), STATUS_OK);
	assert_true(total >= 20000 && total < 100000);
	assert_int_equal(got.code, 200);
	assert_int_equal(got.body.len, 0);
	buf_done(&got.body);
	fetch_free(fetch);
	server_stop(&server);
}

static void fetch_returns_an_answer_that_comes_before_the_body_went_out(void **state)
{
	struct server server;
	struct fetch *fetch = fetch_make(&(struct fetch_options){ 0 });
	struct fetch_answer got = FETCH_ANSWER_INIT(1000);
	size_t len = 16 << 20;
	uint8_t *body = calloc(1, len);
	struct fetch_request put = { .stop_fd = -1, .body = span_of(body, len) };

	(void)state;
	assert_non_null(body);
	server_start(&server, NULL);
	assert_int_equal(ask(fetch, &server, "/early", &put, &got, NULL), STATUS_OK);
	assert_int_equal(got.code, 413);
	assert_string_equal(buf_cstr(&got.body), "early");
	buf_done(&got.body);
	fetch_free(fetch);
	server_stop(&server);
	free(body);
}

static void fetch_refuses_urls_and_places_it_cannot_use(void **state)
{
	static const struct {
		const char *url;
		enum status status;
	} rows[] = {
		{ "ftp://localhost/", STATUS_INVALID },
		{ "file:///etc/passwd", STATUS_INVALID },
		{ "http://[::1/", STATUS_INVALID },
		{ "http://127.0.0.1:1/", STATUS_UNAVAILABLE },
	};
	struct fetch *fetch = fetch_make(&(struct fetch_options){ 0 });
	struct fetch_answer got = FETCH_ANSWER_INIT(1000);

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fetch_request request = { .method = "GET", .url = rows[i].url, .timeout_ms = 60000, .stop_fd = -1 };
		struct err err = ERR_INIT;

		assert_int_equal(fetch_run(fetch, &request, &got, &err), rows[i].status);
		assert_string_not_equal(err.text, "");
	}
	fetch_free(fetch);
}

static void fetch_speaks_through_a_unix_socket(void **state)
{
	struct server server = { .stop_fd = -1, .url = "http://engine" };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct fetch_answer got = FETCH_ANSWER_INIT(1000);
	struct fetch *fetch;

	(void)state;
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s/sock", folder);
	server.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server.listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(server.listener, 8), 0);
	assert_int_equal(pthread_create(&server.thread, NULL, serve_all, &server), 0);
	fetch = fetch_make(&(struct fetch_options){ .unix_socket = address.sun_path });
	assert_int_equal(ask(fetch, &server, "/ok", &plain_get, &got, NULL), STATUS_OK);
	assert_string_equal(buf_cstr(&got.body), "connection 1");
	buf_done(&got.body);
	fetch_free(fetch);
	server_stop(&server);
	assert_int_equal(unlink(address.sun_path), 0);
}

/* The files of one side, in the temporary folder. */
struct files {
	char *cert, *key;
};

static struct files write_pair(struct certs_pair pair, const char *name)
{
	char cert[32], key[32];
	struct files files;

	(void)snprintf(cert, sizeof cert, "%s.crt", name);
	(void)snprintf(key, sizeof key, "%s.key", name);
	files.cert = certs_write(folder, cert, buf_span(&pair.cert));
	files.key = certs_write(folder, key, buf_span(&pair.key));
	certs_pair_done(&pair);
	return files;
}

static void remove_pair(struct files files)
{
	(void)unlink(files.cert);
	(void)unlink(files.key);
	free(files.cert);
	free(files.key);
}

/* A server's certificate for a host that is not here. */
static struct certs_pair leaf_of_another_host(void)
{
	static const char *const names[] = { "elsewhere.example", NULL };
	struct certs_pair pair = { BUF_INIT(LIMIT_CERT_FILE), BUF_INIT(LIMIT_CERT_FILE) };
	struct pki_subject subject = {
		.common_name = "localhost",
		.dns_names = names,
		.is_server = true,
		.not_before_s = (int64_t)time(NULL) - CERTS_DAY_S,
		.not_after_s = (int64_t)time(NULL) + CERTS_DAY_S,
	};

	assert_int_equal(pki_issue(buf_span(&ca.cert), buf_span(&ca.key), &subject, &pair.cert, &pair.key, NULL),
	                 STATUS_OK);
	return pair;
}

static void fetch_proves_and_checks_certificates(void **state)
{
	struct files good = write_pair(certs_leaf(&ca, "spiffe://t/x", false, -1, 9), "good");
	struct files expired = write_pair(certs_leaf(&ca, "spiffe://t/x", false, -9, -1), "expired");
	struct files host = write_pair(certs_leaf(&ca, NULL, true, -1, 9), "host");
	struct files old_host = write_pair(certs_leaf(&ca, NULL, true, -9, -1), "old_host");
	struct files elsewhere = write_pair(leaf_of_another_host(), "elsewhere");
	char *ca_path = certs_write(folder, "ca.crt", buf_span(&ca.cert));
	char *other_path = certs_write(folder, "other.crt", buf_span(&other_ca.cert));
	const struct {
		struct fetch_options options;
		const struct files *host;
		enum status status;
		const char *words;
	} rows[] = {
		{ { ca_path, good.cert, good.key, NULL, 0 }, &host, STATUS_OK, "" },
		{ { other_path, good.cert, good.key, NULL, 0 }, &host, STATUS_DENIED, "not signed by a known CA" },
		{ { ca_path, good.cert, good.key, NULL, 0 }, &old_host, STATUS_DENIED, "has expired" },
		{ { ca_path, good.cert, good.key, NULL, 0 }, &elsewhere, STATUS_DENIED, "another host name" },
		{ { ca_path, expired.cert, expired.key, NULL, 0 }, &host, STATUS_DENIED, "refused our certificate" },
		{ { ca_path, NULL, NULL, NULL, 0 }, &host, STATUS_DENIED, "refused our certificate" },
		{ { ca_path, good.cert, "/nonexistent/key", NULL, 0 }, &host, STATUS_DENIED, "key file /nonexistent/key" },
		{ { "/nonexistent/ca", good.cert, good.key, NULL, 0 }, &host, STATUS_DENIED, "CA file /nonexistent/ca" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct tls_server *tls = NULL;
		struct server server;
		struct fetch *fetch = fetch_make(&rows[i].options);
		struct fetch_answer got = FETCH_ANSWER_INIT(1000);
		struct err err = ERR_INIT;
		enum status status;

		assert_int_equal(tls_server_new(&(struct tls_files){ rows[i].host->cert, rows[i].host->key, ca_path, false, NULL, NULL, NULL }, &tls,
		                                &err), STATUS_OK);
		server_start(&server, tls);
		status = ask(fetch, &server, "/ok", &plain_get, &got, &err);
		if (status != rows[i].status || strstr(err.text, rows[i].words) == NULL)
			fail_msg("row %zu: %s: %s", i, status_name(status), err.text);
		if (status == STATUS_OK) {
			assert_int_equal(ask(fetch, &server, "/ok", &plain_get, &got, &err), STATUS_OK);
			assert_string_equal(buf_cstr(&got.body), "connection 1");
		}
		buf_done(&got.body);
		fetch_free(fetch);
		server_stop(&server);
		tls_server_unref(tls);
	}
	remove_pair(good);
	remove_pair(expired);
	remove_pair(host);
	remove_pair(old_host);
	remove_pair(elsewhere);
	(void)unlink(ca_path);
	(void)unlink(other_path);
	free(ca_path);
	free(other_path);
}

/* What counts is the agreed time, on both sides: five days ago these two were good, and what is good now was not yet. */
static void fetch_judges_certificates_by_the_agreed_time(void **state)
{
	struct files old_one = write_pair(certs_leaf(&ca, "spiffe://t/x", false, -9, -1), "old");
	struct files old_host = write_pair(certs_leaf(&ca, NULL, true, -9, -1), "old_host");
	struct files host = write_pair(certs_leaf(&ca, NULL, true, -1, 9), "host");
	char *ca_path = certs_write(folder, "ca.crt", buf_span(&ca.cert));
	const struct files *hosts[] = { &old_host, &host };

	(void)state;
	clock_agree(clock_real_ns() - INT64_C(5) * CERTS_DAY_S * 1000000000);
	for (size_t i = 0; i < 2; i++) {
		struct tls_server *tls = NULL;
		struct server server;
		struct fetch *fetch = fetch_make(&(struct fetch_options){ ca_path, old_one.cert, old_one.key, NULL, 0 });
		struct fetch_answer got = FETCH_ANSWER_INIT(1000);
		struct err err = ERR_INIT;

		assert_int_equal(tls_server_new(&(struct tls_files){ hosts[i]->cert, hosts[i]->key, ca_path, false, NULL, NULL, NULL }, &tls,
		                                &err), STATUS_OK);
		server_start(&server, tls);
		assert_int_equal(ask(fetch, &server, "/ok", &plain_get, &got, &err), i == 0 ? STATUS_OK : STATUS_DENIED);
		buf_done(&got.body);
		fetch_free(fetch);
		server_stop(&server);
		tls_server_unref(tls);
	}
	clock_agree(clock_real_ns());
	remove_pair(old_one);
	remove_pair(old_host);
	remove_pair(host);
	(void)unlink(ca_path);
	free(ca_path);
}

static int setup(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL || fetch_global_init(NULL) != STATUS_OK)
		return -1;
	ca = certs_ca("Test CA");
	other_ca = certs_ca("Other CA");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	certs_pair_done(&ca);
	certs_pair_done(&other_ca);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fetch_keeps_its_connection),
		cmocka_unit_test(fetch_gives_every_whole_answer),
		cmocka_unit_test(fetch_sends_its_headers_and_no_others_of_note),
		cmocka_unit_test(fetch_says_how_an_exchange_failed),
		cmocka_unit_test(fetch_stops_in_the_middle_of_a_held_request),
		cmocka_unit_test(fetch_keeps_what_fits_of_a_body_that_is_too_large),
		cmocka_unit_test(fetch_stream_ends_when_the_sink_has_enough),
		cmocka_unit_test(fetch_returns_an_answer_that_comes_before_the_body_went_out),
		cmocka_unit_test(fetch_refuses_urls_and_places_it_cannot_use),
		cmocka_unit_test(fetch_speaks_through_a_unix_socket),
		cmocka_unit_test(fetch_proves_and_checks_certificates),
		cmocka_unit_test(fetch_judges_certificates_by_the_agreed_time),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

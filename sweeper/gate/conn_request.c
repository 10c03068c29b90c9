/*
 * A connection's requests: from the first byte to the service, and from the answer to the bytes that go out.
 */
#include <stdio.h>

#include "shared/clock.h"
#include "sweeper/gate/conn_core.h"
#include "sweeper/metrics.h"

static void count_answer(const struct conn *conn, int code)
{
	char text[8];

	(void)snprintf(text, sizeof text, "%d", code);
	if (conn_is_gate(conn))
		metrics_add(METRIC_REQUESTS, text, 1);
}

void conn_start_writing(struct conn *conn, const struct http1_answer *answer, const char *end_cause)
{
	struct http1_answer sent = *answer;

	(void)conn_take_work(conn);
	conn_drop_parser(conn);
	/* A stranger has one request. */
	if (end_cause == NULL && (!conn->keep_alive || conn->host->draining || answer->close ||
	                          caller_is_stranger(&conn->caller)))
		end_cause = conn->host->draining ? "drain" : "done";
	conn->linger_cause = end_cause;
	sent.close = end_cause != NULL;
	http1_format_answer(&sent, &conn->answer);
	count_answer(conn, answer->code);
	conn_set_state(conn, CONN_WRITING, LIMIT_WRITE_MS + (int64_t)(conn->answer.len / LIMIT_WRITE_BYTES_PER_MS));
}

void conn_refuse(struct conn *conn, int code, const char *reason, const char *cause)
{
	char body[256];
	int len = snprintf(body, sizeof body, "{\"error\":\"%s\"}", reason);
	struct http1_answer answer = {
		.code = code,
		.content_type = "application/json",
		.body = span_of(body, (size_t)len < sizeof body ? (size_t)len : sizeof body - 1),
		.retry_after_s = code == 503 ? 2 : 0,
	};

	conn_start_writing(conn, &answer, cause);
}

/* Strangers are told apart by where they are. */
static bool take_room(struct conn *conn, size_t len)
{
	uint8_t network[CALLER_NETWORK_SIZE];
	struct span whose = span_cstr(conn->caller.workspace_id);

	if (caller_is_stranger(&conn->caller))
		whose = caller_network(conn->channel.fd, network);
	return bodies_take(whose, len, &conn->body_part);
}

static void on_headers(struct conn *conn)
{
	const struct http1_request *request = http1_parser_request(conn->parser);
	size_t max_body = 0;

	conn->keep_alive = request->keep_alive;
	conn->refused_reason = "";
	conn->refused_code = conn->host->service->admit(conn, request, &max_body, &conn->refused_reason);
	/* A body that nobody wants is not read: the answer goes out now. */
	if (conn->refused_code != 0 && request->has_body) {
		conn_refuse(conn, conn->refused_code, conn->refused_reason, "refused");
		return;
	}
	if (!request->has_body)
		return;
	if (request->content_length > (int64_t)max_body) {
		conn_refuse(conn, 413, "the body is too large", "refused");
		return;
	}
	if (!take_room(conn, request->content_length >= 0 ? (size_t)request->content_length : max_body)) {
		conn_refuse(conn, 503, "too many bodies are on their way", "no_room");
		return;
	}
	http1_parser_limit_body(conn->parser, max_body);
	if (request->expect_continue &&
	    channel_write(&conn->channel, SPAN_LIT("HTTP/1.1 100 Continue\r\n\r\n")) != STATUS_OK) {
		conn_stop(conn, "error");
		return;
	}
	conn->body_end_mono_ms = clock_mono_ms() + LIMIT_BODY_MS;
	conn->body_progress = 0;
	conn_set_state(conn, CONN_BODY, LIMIT_BODY_STALL_MS);
}

static void on_complete(struct conn *conn, struct span rest)
{
	const char *end_cause = conn->keep_alive ? NULL : "done";

	buf_reset(&conn->rest);
	buf_append_span(&conn->rest, rest);
	if (buf_status(&conn->rest) != STATUS_OK)
		conn_stop(conn, "error");
	else if (conn->refused_code != 0)
		conn_refuse(conn, conn->refused_code, conn->refused_reason, conn->refused_code == 403 ? "refused" : end_cause);
	else
		conn->host->service->serve(conn, http1_parser_request(conn->parser));
}

void conn_take_bytes(struct conn *conn, struct span bytes)
{
	while (conn->state == CONN_HEADERS || conn->state == CONN_BODY) {
		size_t used = 0;
		enum http1_event event = http1_parser_feed(conn->parser, bytes, &used);

		bytes = span_sub(bytes, used, bytes.len);
		conn->body_progress += used;
		if (event == HTTP1_HEADERS)
			on_headers(conn);
		else if (event == HTTP1_COMPLETE)
			on_complete(conn, bytes);
		else if (event == HTTP1_BAD)
			conn_refuse(conn, http1_error_code(conn->parser), http1_error_reason(conn->parser), "bad_request");
		else
			return;
	}
}

bool conn_begin_request(struct conn *conn)
{
	conn->parser = http1_parser_new();
	if (conn->parser == NULL) {
		conn_stop(conn, "no_memory");
		return false;
	}
	conn_set_state(conn, CONN_HEADERS, LIMIT_HEADERS_MS);
	return true;
}

bool conn_body_goes_on(struct conn *conn)
{
	int64_t left_ms = conn->body_end_mono_ms - clock_mono_ms();

	if (left_ms <= 0 || conn->body_progress < LIMIT_BODY_STALL_BYTES)
		return false;
	conn->body_progress = 0;
	conn_set_state(conn, CONN_BODY, left_ms < LIMIT_BODY_STALL_MS ? left_ms : LIMIT_BODY_STALL_MS);
	return true;
}

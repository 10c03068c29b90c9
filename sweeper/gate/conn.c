/*
 *             ┌────────────────────── keep-alive ──────────────────────┐
 *             ▼                                                        │
 *  HANDSHAKE ─▶ IDLE ─first byte─▶ HEADERS ──▶ BODY ──▶ WORKING ──▶ WRITING ──▶ LINGER ──▶ STOPPED
 *      │                              │          │        │   ▲                  ▲
 *      │                              │          │        ▼   │                  │
 *      │                              │          │         HELD                  │
 *      └── TLS alert ─────────────────┴──────────┴── bad request, refusal ───────┘
 *
 * From every state a deadline, the peer's end or an error leads to STOPPED through stop(). set_state() alone changes
 * the state; it traces, and arms the new state's deadline, so that there is no state without one. drive() alone moves
 * the connection on, and settles at its end what the loop shall watch for.
 *
 *  state      ends after                         watches for
 *  HANDSHAKE  LIMIT_HANDSHAKE_MS                 input
 *  IDLE       LIMIT_IDLE_MS                      input
 *  HEADERS    LIMIT_HEADERS_MS                   input
 *  BODY       LIMIT_BODY_MS, or when it stalls   input
 *  WORKING    LIMIT_WORK_MS: 503                 the peer's end
 *  HELD       the wait that was asked for        the peer's end
 *  WRITING    LIMIT_WRITE_MS and more by size    room for output
 *  LINGER     LIMIT_LINGER_MS                    input, to be forgotten
 *
 * LINGER is there because closing a socket with unread input resets it, and a reset can take the answer with it.
 */
#include "sweeper/gate/conn.h"

#include <stdio.h>
#include <stdlib.h>

#include "shared/clock.h"
#include "shared/log.h"
#include "sweeper/gate/channel.h"
#include "sweeper/metrics.h"

enum conn_state {
	CONN_HANDSHAKE,
	CONN_IDLE,
	CONN_HEADERS,
	CONN_BODY,
	CONN_WORKING,
	CONN_HELD,
	CONN_WRITING,
	CONN_LINGER,
	CONN_STOPPED,
};

/* One read of plain bytes; what follows a complete request within it is kept for the next one. */
enum { READ_BYTES = 16 * 1024, WRITE_CHUNK = 64 * 1024 };

struct conn {
	struct conn_host *host;
	struct conn *next, **link; /* in the host's list; *link points here */
	enum conn_state state;
	struct channel channel;
	struct caller caller;
	struct http1_parser *parser; /* while a request comes in */
	struct conn_work *work;      /* WORKING and HELD */
	struct buf rest;             /* bytes behind the request at hand */
	struct buf answer;           /* of WRITING */
	size_t answer_sent;          /* how much of it the channel has */
	const char *linger_cause;    /* why it ends once everything is written; NULL: it does not */
	int refused_code;            /* of the request at hand: what admit said */
	const char *refused_reason;
	int64_t body_end_mono_ms;    /* BODY: the deadline of the whole */
	size_t body_progress;        /* BODY: bytes since the deadline was armed last */
	bool keep_alive;             /* as the request at hand wants it */
	bool driving;                /* drive() is on the stack */
	int open_handles;
	int interest;                /* what the loop watches for now */
	uv_poll_t poll;
	uv_timer_t timer;
};

static const char *const state_names[] = {
	[CONN_HANDSHAKE] = "handshake", [CONN_IDLE] = "idle",       [CONN_HEADERS] = "headers",
	[CONN_BODY] = "body",           [CONN_WORKING] = "working", [CONN_HELD] = "held",
	[CONN_WRITING] = "writing",     [CONN_LINGER] = "linger",   [CONN_STOPPED] = "stopped",
};

static void on_timer(uv_timer_t *timer);
static void drive(struct conn *conn);

static bool is_gate(const struct conn *conn)
{
	return conn->host->tls != NULL;
}

static void set_state(struct conn *conn, enum conn_state state, int64_t deadline_ms)
{
	log_event(LOG_DEBUG, "conn.state", LOG_I("fd", conn->channel.fd), LOG_S("from", state_names[conn->state]),
	          LOG_S("to", state_names[state]), LOG_I("deadline_ms", deadline_ms));
	conn->state = state;
	if (state != CONN_STOPPED)
		(void)uv_timer_start(&conn->timer, on_timer, deadline_ms < 0 ? 0 : (uint64_t)deadline_ms, 0);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct conn *conn = handle->data;

	if (--conn->open_handles == 0)
		free(conn);
}

static struct conn_work *take_work(struct conn *conn)
{
	struct conn_work *work = conn->work;

	conn->work = NULL;
	return work;
}

static void leave_host(struct conn *conn)
{
	struct conn_host *host = conn->host;

	*conn->link = conn->next;
	if (conn->next != NULL)
		conn->next->link = conn->link;
	host->count--;
	if (is_gate(conn))
		metrics_add(METRIC_CONNECTIONS, NULL, -1);
	if (host->has_room != NULL)
		host->has_room(host);
}

/* The one way to the end, from any state and any number of times. The memory goes in the handles' callbacks. */
static void stop(struct conn *conn, const char *cause)
{
	struct conn_work *work;

	if (conn->state == CONN_STOPPED)
		return;
	set_state(conn, CONN_STOPPED, 0);
	if (is_gate(conn))
		metrics_add(METRIC_CONNECTIONS_CLOSED, cause, 1);
	log_event(LOG_DEBUG, "conn.closed", LOG_I("fd", conn->channel.fd), LOG_S("cause", cause));
	uv_close((uv_handle_t *)&conn->poll, on_handle_closed);
	uv_close((uv_handle_t *)&conn->timer, on_handle_closed);
	channel_done(&conn->channel);
	http1_parser_free(conn->parser);
	conn->parser = NULL;
	buf_done(&conn->rest);
	buf_done(&conn->answer);
	work = take_work(conn);
	if (work != NULL)
		work->gone(work);
	leave_host(conn);
}

static void linger(struct conn *conn)
{
	channel_finish(&conn->channel);
	set_state(conn, CONN_LINGER, LIMIT_LINGER_MS);
}

static void count_answer(const struct conn *conn, int code)
{
	char text[8];

	(void)snprintf(text, sizeof text, "%d", code);
	if (is_gate(conn))
		metrics_add(METRIC_REQUESTS, text, 1);
}

static void start_writing(struct conn *conn, const struct http1_answer *answer, const char *end_cause)
{
	struct http1_answer sent = *answer;

	(void)take_work(conn);
	http1_parser_free(conn->parser);
	conn->parser = NULL;
	if (end_cause == NULL && (!conn->keep_alive || conn->host->draining || answer->close))
		end_cause = conn->host->draining ? "drain" : "done";
	conn->linger_cause = end_cause;
	sent.close = end_cause != NULL;
	http1_format_answer(&sent, &conn->answer);
	count_answer(conn, answer->code);
	set_state(conn, CONN_WRITING, LIMIT_WRITE_MS + (int64_t)(conn->answer.len / LIMIT_WRITE_BYTES_PER_MS));
}

/* An answer of the connection's own, after which it ends. `reason` is a literal. */
static void refuse(struct conn *conn, int code, const char *reason, const char *cause)
{
	char body[256];
	int len = snprintf(body, sizeof body, "{\"error\":\"%s\"}", reason);
	struct http1_answer answer = {
		.code = code,
		.content_type = "application/json",
		.body = span_of(body, (size_t)len < sizeof body ? (size_t)len : sizeof body - 1),
		.retry_after_s = code == 503 ? 2 : 0,
	};

	start_writing(conn, &answer, cause);
}

static void next_request(struct conn *conn)
{
	buf_shrink(&conn->answer);
	conn->answer_sent = 0;
	conn->refused_code = 0;
	if (conn->linger_cause != NULL)
		linger(conn);
	else
		set_state(conn, CONN_IDLE, LIMIT_IDLE_MS);
}

/* -- one step of each state: true when there may be more to do ---------------------------------------------- */

static bool step_handshake(struct conn *conn)
{
	struct err err = ERR_INIT;
	enum status status = channel_handshake(&conn->channel, &err);
	char address[CALLER_ADDRESS_SIZE];

	if (status == STATUS_AGAIN)
		return false;
	if (status == STATUS_OK) {
		if (is_gate(conn)) {
			metrics_add(METRIC_HANDSHAKES, "ok", 1);
			caller_init(&conn->caller, conn->host->config, conn->channel.session, conn->channel.fd);
		}
		set_state(conn, CONN_IDLE, LIMIT_IDLE_MS);
		return true;
	}
	metrics_add(METRIC_HANDSHAKES, status == STATUS_DENIED ? "denied" : status == STATUS_CLOSED ? "left" : "failed", 1);
	if (status == STATUS_CLOSED) {
		stop(conn, "handshake_left");
		return false;
	}
	caller_address(conn->channel.fd, address);
	log_event(LOG_WARN, "gate.handshake_failed", LOG_S("peer", address), LOG_S("reason", err.text));
	conn->linger_cause = "handshake_failed";
	linger(conn);
	return true;
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
		refuse(conn, conn->refused_code, conn->refused_reason, "refused");
		return;
	}
	if (!request->has_body)
		return;
	if (request->content_length > (int64_t)max_body) {
		refuse(conn, 413, "the body is too large", "refused");
		return;
	}
	http1_parser_limit_body(conn->parser, max_body);
	if (request->expect_continue &&
	    channel_write(&conn->channel, SPAN_LIT("HTTP/1.1 100 Continue\r\n\r\n")) != STATUS_OK) {
		stop(conn, "error");
		return;
	}
	conn->body_end_mono_ms = clock_mono_ms() + LIMIT_BODY_MS;
	conn->body_progress = 0;
	set_state(conn, CONN_BODY, LIMIT_BODY_STALL_MS);
}

static void on_complete(struct conn *conn, struct span rest)
{
	const char *end_cause = conn->keep_alive ? NULL : "done";

	buf_reset(&conn->rest);
	buf_append_span(&conn->rest, rest);
	if (buf_status(&conn->rest) != STATUS_OK)
		stop(conn, "error");
	else if (conn->refused_code != 0)
		refuse(conn, conn->refused_code, conn->refused_reason, conn->refused_code == 403 ? "refused" : end_cause);
	else
		conn->host->service->serve(conn, http1_parser_request(conn->parser));
}

/* Gives bytes to the parser until they are used or the request is complete. */
static void take_bytes(struct conn *conn, struct span bytes)
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
			refuse(conn, http1_error_code(conn->parser), http1_error_reason(conn->parser), "bad_request");
		else
			return;
	}
}

static bool begin_request(struct conn *conn)
{
	conn->parser = http1_parser_new();
	if (conn->parser == NULL) {
		stop(conn, "no_memory");
		return false;
	}
	set_state(conn, CONN_HEADERS, LIMIT_HEADERS_MS);
	return true;
}

/* IDLE, HEADERS and BODY. */
static bool step_read(struct conn *conn)
{
	uint8_t bytes[READ_BYTES];
	size_t len = 0;
	enum status status = STATUS_OK;

	if (conn->rest.len > 0) {
		len = conn->rest.len;
		memcpy(bytes, conn->rest.ptr, len);
		buf_shrink(&conn->rest);
	} else {
		status = channel_read(&conn->channel, bytes, sizeof bytes, &len);
	}
	if (status == STATUS_AGAIN)
		return false;
	if (status != STATUS_OK) {
		stop(conn, status == STATUS_CLOSED && conn->state == CONN_IDLE ? "peer" : "cut_short");
		return false;
	}
	if (conn->state == CONN_IDLE && !begin_request(conn))
		return false;
	take_bytes(conn, span_of(bytes, len));
	return true;
}

static bool step_write(struct conn *conn)
{
	enum status status = channel_flush(&conn->channel);
	struct span chunk = span_sub(buf_span(&conn->answer), conn->answer_sent, WRITE_CHUNK);

	if (status == STATUS_AGAIN)
		return false;
	if (status == STATUS_OK && chunk.len > 0)
		status = channel_write(&conn->channel, chunk);
	if (status != STATUS_OK || buf_status(&conn->answer) != STATUS_OK) {
		stop(conn, status == STATUS_CLOSED ? "peer" : "error");
		return false;
	}
	conn->answer_sent += chunk.len;
	if (chunk.len == 0)
		next_request(conn);
	return true;
}

static bool step_linger(struct conn *conn)
{
	(void)channel_flush(&conn->channel);
	if (channel_discard(&conn->channel) == STATUS_CLOSED)
		stop(conn, conn->linger_cause);
	return false;
}

static bool step(struct conn *conn)
{
	switch (conn->state) {
	case CONN_HANDSHAKE: return step_handshake(conn);
	case CONN_IDLE:
	case CONN_HEADERS:
	case CONN_BODY: return step_read(conn);
	case CONN_WRITING: return step_write(conn);
	case CONN_LINGER: return step_linger(conn);
	case CONN_WORKING:
	case CONN_HELD:
	case CONN_STOPPED: return false;
	}
	return false;
}

static void on_poll(uv_poll_t *poll, int failed, int events)
{
	struct conn *conn = poll->data;

	if (failed < 0) {
		stop(conn, "error");
		return;
	}
	if ((conn->state == CONN_WORKING || conn->state == CONN_HELD) && (events & UV_DISCONNECT) != 0) {
		stop(conn, "peer");
		return;
	}
	if ((events & UV_READABLE) != 0)
		channel_readable(&conn->channel);
	drive(conn);
}

static void watch(struct conn *conn)
{
	int interest = conn->state == CONN_WORKING || conn->state == CONN_HELD ? UV_DISCONNECT
	               : conn->state == CONN_WRITING                           ? UV_WRITABLE
	                                                                       : UV_READABLE;

	if (channel_has_output(&conn->channel))
		interest |= UV_WRITABLE;
	if (interest == conn->interest)
		return;
	conn->interest = interest;
	if (uv_poll_start(&conn->poll, interest, on_poll) != 0)
		stop(conn, "error");
}

static void drive(struct conn *conn)
{
	if (conn->driving)
		return;
	conn->driving = true;
	while (step(conn))
		;
	conn->driving = false;
	if (conn->state == CONN_STOPPED)
		return;
	/* A handshake's flights, tickets and 100 Continue go out beside what the state is about. */
	if (channel_flush(&conn->channel) == STATUS_CLOSED)
		stop(conn, "peer");
	else
		watch(conn);
}

/* True when the body grows fast enough and may go on. */
static bool body_goes_on(struct conn *conn)
{
	int64_t left_ms = conn->body_end_mono_ms - clock_mono_ms();

	if (left_ms <= 0 || conn->body_progress < LIMIT_BODY_STALL_BYTES)
		return false;
	conn->body_progress = 0;
	set_state(conn, CONN_BODY, left_ms < LIMIT_BODY_STALL_MS ? left_ms : LIMIT_BODY_STALL_MS);
	return true;
}

static void on_work_too_long(struct conn *conn)
{
	struct conn_work *work = take_work(conn);

	refuse(conn, 503, "the database did not answer in time", "work_timeout");
	if (work != NULL)
		work->gone(work);
	drive(conn);
}

static void on_timer(uv_timer_t *timer)
{
	struct conn *conn = timer->data;
	struct conn_work *work;

	switch (conn->state) {
	case CONN_HANDSHAKE: stop(conn, "handshake_timeout"); break;
	case CONN_IDLE: stop(conn, "idle_timeout"); break;
	case CONN_HEADERS: stop(conn, "headers_timeout"); break;
	case CONN_BODY:
		if (!body_goes_on(conn))
			stop(conn, "body_timeout");
		break;
	case CONN_WORKING: on_work_too_long(conn); break;
	case CONN_HELD:
		/* What it asks for is carried out behind it, so that the work is not gone while it still runs. */
		work = take_work(conn);
		conn->driving = true;
		work->expired(work);
		conn->driving = false;
		drive(conn);
		break;
	case CONN_WRITING: stop(conn, "write_timeout"); break;
	case CONN_LINGER: stop(conn, conn->linger_cause); break;
	case CONN_STOPPED: break;
	}
}

/* -- the outside ---------------------------------------------------------------------------------------------- */

static void join_host(struct conn *conn, struct conn_host *host)
{
	conn->next = host->first;
	conn->link = &host->first;
	if (conn->next != NULL)
		conn->next->link = &conn->next;
	host->first = conn;
	host->count++;
	if (is_gate(conn)) {
		metrics_add(METRIC_CONNECTIONS, NULL, 1);
		metrics_add(METRIC_CONNECTIONS_TOTAL, NULL, 1);
	}
}

enum status conn_start(struct conn_host *host, int fd)
{
	struct conn *conn = calloc(1, sizeof *conn);
	struct channel lost = { .fd = fd };

	if (conn == NULL || uv_poll_init(host->loop, &conn->poll, fd) != 0) {
		free(conn);
		channel_done(&lost);
		return STATUS_NO_MEMORY;
	}
	(void)uv_timer_init(host->loop, &conn->timer);
	conn->host = host;
	conn->open_handles = 2;
	conn->poll.data = conn;
	conn->timer.data = conn;
	buf_init(&conn->rest, READ_BYTES);
	buf_init(&conn->answer, LIMIT_ANSWER_BYTES);
	join_host(conn, host);
	if (channel_init(&conn->channel, fd, host->tls) != STATUS_OK) {
		stop(conn, "no_memory");
		return STATUS_NO_MEMORY;
	}
	set_state(conn, CONN_HANDSHAKE, LIMIT_HANDSHAKE_MS);
	drive(conn);
	return STATUS_OK;
}

void conn_drain(struct conn_host *host)
{
	host->draining = true;
	for (struct conn *conn = host->first, *next; conn != NULL; conn = next) {
		next = conn->next;
		if (conn->state == CONN_IDLE || conn->state == CONN_HANDSHAKE)
			stop(conn, "drain");
		else if (conn->state == CONN_HELD)
			on_timer(&conn->timer);
	}
}

void conn_stop_all(struct conn_host *host, const char *cause)
{
	while (host->first != NULL)
		stop(host->first, cause);
}

const struct conn_host *conn_host(const struct conn *conn)
{
	return conn->host;
}

const struct caller *conn_caller(const struct conn *conn)
{
	return &conn->caller;
}

int conn_fd(const struct conn *conn)
{
	return conn->channel.fd;
}

struct http1_parser *conn_take_parser(struct conn *conn)
{
	struct http1_parser *parser = conn->parser;

	conn->parser = NULL;
	return parser;
}

void conn_work_on(struct conn *conn, struct conn_work *work)
{
	conn->work = work;
	http1_parser_free(conn->parser);
	conn->parser = NULL;
	set_state(conn, CONN_WORKING, LIMIT_WORK_MS);
	drive(conn);
}

void conn_hold(struct conn *conn, struct conn_work *work, int64_t ms)
{
	conn->work = work;
	set_state(conn, CONN_HELD, ms);
	drive(conn);
}

void conn_answer(struct conn *conn, const struct http1_answer *answer)
{
	start_writing(conn, answer, NULL);
	drive(conn);
}

/*
 *             ┌────────────────────── keep-alive ──────────────────────┐
 *             ▼                                                        │
 *  HANDSHAKE ─▶ IDLE ─first byte─▶ HEADERS ──▶ BODY ──▶ WORKING ──▶ WRITING ──▶ LINGER ──▶ STOPPED
 *      │                              │          │        │   ▲                  ▲
 *      │                              │          │        ▼   │                  │
 *      │                              │          │         HELD                  │
 *      └── TLS alert ─────────────────┴──────────┴── bad request, refusal ───────┘
 *
 * From every state a deadline, the peer's end or an error leads to STOPPED through conn_stop(). conn_set_state() alone
 * changes the state; it traces, and arms the new state's deadline, so that there is no state without one. conn_drive()
 * alone moves the connection on, and settles at its end what the loop shall watch for. The steps of the states are in
 * conn_io.c, what a request means for the connection in conn_request.c, whose handshake goes on when in conn_shake.c.
 *
 *  state      ends after                         watches for
 *  HANDSHAKE  LIMIT_HANDSHAKE_MS                 input, the peer's end
 *  IDLE       LIMIT_IDLE_MS, strangers sooner    input
 *  HEADERS    LIMIT_HEADERS_MS                   input
 *  BODY       LIMIT_BODY_MS, or when it stalls   input
 *  WORKING    LIMIT_WORK_MS: 503                 the peer's end
 *  HELD       the wait that was asked for        the peer's end
 *  WRITING    LIMIT_WRITE_MS and more by size    room for output
 *  LINGER     LIMIT_LINGER_MS                    input, to be forgotten
 *
 * LINGER is there because closing a socket with unread input resets it, and a reset can take the answer with it.
 */
#include <stdlib.h>

#include "shared/log.h"
#include "sweeper/gate/conn_core.h"
#include "sweeper/metrics.h"

static const char *const state_names[] = {
	[CONN_HANDSHAKE] = "handshake", [CONN_IDLE] = "idle",       [CONN_HEADERS] = "headers",
	[CONN_BODY] = "body",           [CONN_WORKING] = "working", [CONN_HELD] = "held",
	[CONN_WRITING] = "writing",     [CONN_LINGER] = "linger",   [CONN_STOPPED] = "stopped",
};

static void on_timer(uv_timer_t *timer);

void conn_set_state(struct conn *conn, enum conn_state state, int64_t deadline_ms)
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

struct conn_work *conn_take_work(struct conn *conn)
{
	struct conn_work *work = conn->work;

	conn->work = NULL;
	return work;
}

void conn_drop_parser(struct conn *conn)
{
	http1_parser_free(conn->parser);
	conn->parser = NULL;
	bodies_give(&conn->body_part);
}

static void leave_host(struct conn *conn)
{
	struct conn_host *host = conn->host;

	if (conn->is_box)
		held_remove(&host->boxes, &conn->box);
	*conn->link = conn->next;
	if (conn->next != NULL)
		conn->next->link = conn->link;
	host->count--;
	if (conn_is_gate(conn))
		metrics_add(METRIC_CONNECTIONS, NULL, -1);
	if (host->has_room != NULL)
		host->has_room(host);
}

void conn_stop(struct conn *conn, const char *cause)
{
	struct conn_work *work;

	if (conn->state == CONN_STOPPED)
		return;
	conn_set_state(conn, CONN_STOPPED, 0);
	if (conn_is_gate(conn))
		metrics_add(METRIC_CONNECTIONS_CLOSED, cause, 1);
	log_event(LOG_DEBUG, "conn.closed", LOG_I("fd", conn->channel.fd), LOG_S("cause", cause));
	uv_close((uv_handle_t *)&conn->poll, on_handle_closed);
	uv_close((uv_handle_t *)&conn->timer, on_handle_closed);
	conn_shake_never(conn);
	channel_done(&conn->channel);
	conn_drop_parser(conn);
	buf_done(&conn->rest);
	buf_done(&conn->answer);
	work = conn_take_work(conn);
	if (work != NULL)
		work->gone(work);
	leave_host(conn);
}

static bool step(struct conn *conn)
{
	switch (conn->state) {
	case CONN_HANDSHAKE: return conn_step_handshake(conn);
	case CONN_IDLE:
	case CONN_HEADERS:
	case CONN_BODY: return conn_step_read(conn);
	case CONN_WRITING: return conn_step_write(conn);
	case CONN_LINGER: return conn_step_linger(conn);
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
		conn_stop(conn, "error");
		return;
	}
	if ((conn->state == CONN_WORKING || conn->state == CONN_HELD) && (events & UV_DISCONNECT) != 0) {
		conn_stop(conn, "peer");
		return;
	}
	/* A peer that has given up need not be shaken hands with, whatever it said before. */
	if (conn->state == CONN_HANDSHAKE && (events & UV_DISCONNECT) != 0) {
		conn_stop(conn, "handshake_left");
		return;
	}
	if (conn->state == CONN_HANDSHAKE && (events & UV_READABLE) != 0) {
		conn_shake_later(conn);
		return;
	}
	if ((events & UV_READABLE) != 0)
		channel_readable(&conn->channel);
	conn_drive(conn);
}

void conn_watch(struct conn *conn)
{
	int interest = conn->state == CONN_WORKING || conn->state == CONN_HELD ? UV_DISCONNECT
	               : conn->state == CONN_WRITING                           ? UV_WRITABLE
	               : conn->state == CONN_HANDSHAKE                         ? UV_READABLE | UV_DISCONNECT
	                                                                       : UV_READABLE;

	if (conn->shaking_link != NULL)
		interest = UV_DISCONNECT;

	if (channel_has_output(&conn->channel))
		interest |= UV_WRITABLE;
	if (interest == conn->interest)
		return;
	conn->interest = interest;
	if (uv_poll_start(&conn->poll, interest, on_poll) != 0)
		conn_stop(conn, "error");
}

void conn_drive(struct conn *conn)
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
	if (channel_flush(&conn->channel) == STATUS_CLOSED) {
		conn_stop(conn, "peer");
		return;
	}
	if (conn->state == CONN_IDLE || conn->state == CONN_HELD)
		channel_rest(&conn->channel);
	conn_watch(conn);
}

static void on_work_too_long(struct conn *conn)
{
	struct conn_work *work = conn_take_work(conn);

	conn_refuse(conn, 503, "the database did not answer in time", "work_timeout");
	if (work != NULL)
		work->gone(work);
	conn_drive(conn);
}

static void on_timer(uv_timer_t *timer)
{
	struct conn *conn = timer->data;
	struct conn_work *work;

	switch (conn->state) {
	case CONN_HANDSHAKE: conn_stop(conn, "handshake_timeout"); break;
	case CONN_IDLE: conn_stop(conn, "idle_timeout"); break;
	case CONN_HEADERS: conn_stop(conn, "headers_timeout"); break;
	case CONN_BODY:
		if (!conn_body_goes_on(conn))
			conn_stop(conn, "body_timeout");
		break;
	case CONN_WORKING: on_work_too_long(conn); break;
	case CONN_HELD:
		/* What it asks for is carried out behind it, so that the work is not gone while it still runs. */
		work = conn_take_work(conn);
		conn->driving = true;
		work->expired(work);
		conn->driving = false;
		conn_drive(conn);
		break;
	case CONN_WRITING: conn_stop(conn, "write_timeout"); break;
	case CONN_LINGER: conn_stop(conn, conn->linger_cause); break;
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
	if (conn_is_gate(conn)) {
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
	buf_init(&conn->rest, CONN_READ_BYTES);
	buf_init(&conn->answer, LIMIT_ANSWER_BYTES);
	join_host(conn, host);
	if (channel_init(&conn->channel, fd, host->tls) != STATUS_OK) {
		conn_stop(conn, "no_memory");
		return STATUS_NO_MEMORY;
	}
	conn_set_state(conn, CONN_HANDSHAKE, LIMIT_HANDSHAKE_MS);
	conn_drive(conn);
	return STATUS_OK;
}

void conn_drain(struct conn_host *host)
{
	host->draining = true;
	for (struct conn *conn = host->first, *next; conn != NULL; conn = next) {
		next = conn->next;
		if (conn->state == CONN_IDLE || conn->state == CONN_HANDSHAKE)
			conn_stop(conn, "drain");
		else if (conn->state == CONN_HELD)
			on_timer(&conn->timer);
	}
}

void conn_stop_all(struct conn_host *host, const char *cause)
{
	while (host->first != NULL)
		conn_stop(host->first, cause);
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

struct http1_parser *conn_take_parser(struct conn *conn, struct bodies_part *ret_part)
{
	struct http1_parser *parser = conn->parser;

	*ret_part = conn->body_part;
	conn->body_part = (struct bodies_part){ .len = 0 };
	conn->parser = NULL;
	return parser;
}

void conn_work_on(struct conn *conn, struct conn_work *work)
{
	conn->work = work;
	conn_drop_parser(conn);
	conn_set_state(conn, CONN_WORKING, LIMIT_WORK_MS);
	conn_drive(conn);
}

void conn_hold(struct conn *conn, struct conn_work *work, int64_t ms)
{
	conn->work = work;
	conn_set_state(conn, CONN_HELD, ms);
	conn_drive(conn);
}

void conn_answer(struct conn *conn, const struct http1_answer *answer)
{
	conn_start_writing(conn, answer, NULL);
	conn_drive(conn);
}

/*
 * The steps that move bytes between a connection's channel and its request or answer.
 */
#include <stddef.h>

#include "shared/log.h"
#include "sweeper/gate/conn_core.h"
#include "sweeper/metrics.h"

enum { WRITE_CHUNK = 64 * 1024 };

static void linger(struct conn *conn)
{
	channel_finish(&conn->channel);
	conn_set_state(conn, CONN_LINGER, LIMIT_LINGER_MS);
}

/*
 * One box needs one connection, and leaves some behind that are dead and not noticed to be. One that has more is up to no
 * good: another of its own makes room, so that neither the descriptors nor the database are all its.
 */
static bool join_boxes(struct conn *conn)
{
	struct held *boxes = &conn->host->boxes;
	struct held_entry *other = NULL, *found = NULL;
	size_t count = 0;

	if (conn->caller.denied != NULL || conn->caller.role != IDENTITY_WORKSPACE)
		return true;
	conn->box = (struct held_entry){ .tenant = conn->caller.tenant, .workspace_id = span_cstr(conn->caller.workspace_id) };
	while ((found = held_find(boxes, conn->box.tenant, conn->box.workspace_id, found)) != NULL) {
		other = found;
		count++;
	}
	if (count >= LIMIT_CONNECTIONS_OF_ONE)
		conn_stop((struct conn *)(void *)((char *)other - offsetof(struct conn, box)), "too_many");
	conn->is_box = held_add(boxes, &conn->box) == STATUS_OK;
	return conn->is_box;
}

bool conn_step_handshake(struct conn *conn)
{
	struct err err = ERR_INIT;
	enum status status = channel_handshake(&conn->channel, &err);
	char address[CALLER_ADDRESS_SIZE];

	if (status == STATUS_AGAIN)
		return false;
	if (status == STATUS_OK) {
		if (conn_is_gate(conn)) {
			metrics_add(METRIC_HANDSHAKES, tls_session_is_resumed(conn->channel.session) ? "resumed" : "ok", 1);
			caller_init(&conn->caller, conn->host->config, conn->channel.session, conn->channel.fd);
		}
		if (conn_is_gate(conn) && !join_boxes(conn)) {
			conn_stop(conn, "no_memory");
			return false;
		}
		conn_set_state(conn, CONN_IDLE, caller_is_stranger(&conn->caller) ? LIMIT_STRANGER_MS : LIMIT_IDLE_MS);
		return true;
	}
	metrics_add(METRIC_HANDSHAKES, status == STATUS_DENIED ? "denied" : status == STATUS_CLOSED ? "left" : "failed", 1);
	if (status == STATUS_CLOSED) {
		conn_stop(conn, "handshake_left");
		return false;
	}
	caller_address(conn->channel.fd, address);
	log_event(LOG_WARN, "gate.handshake_failed", LOG_S("peer", address), LOG_S("reason", err.text));
	conn->linger_cause = "handshake_failed";
	linger(conn);
	return true;
}

bool conn_step_read(struct conn *conn)
{
	uint8_t bytes[CONN_READ_BYTES];
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
		conn_stop(conn, status == STATUS_CLOSED && conn->state == CONN_IDLE ? "peer" : "cut_short");
		return false;
	}
	if (conn->state == CONN_IDLE && !conn_begin_request(conn))
		return false;
	conn_take_bytes(conn, span_of(bytes, len));
	return true;
}

static void next_request(struct conn *conn)
{
	buf_shrink(&conn->answer);
	conn->answer_sent = 0;
	conn->refused_code = 0;
	if (conn->linger_cause != NULL)
		linger(conn);
	else
		conn_set_state(conn, CONN_IDLE, LIMIT_IDLE_MS);
}

bool conn_step_write(struct conn *conn)
{
	enum status status = channel_flush(&conn->channel);
	struct span chunk = span_sub(buf_span(&conn->answer), conn->answer_sent, WRITE_CHUNK);

	if (status == STATUS_AGAIN)
		return false;
	if (status == STATUS_OK && chunk.len > 0)
		status = channel_write(&conn->channel, chunk);
	if (status != STATUS_OK || buf_status(&conn->answer) != STATUS_OK) {
		conn_stop(conn, status == STATUS_CLOSED ? "peer" : "error");
		return false;
	}
	conn->answer_sent += chunk.len;
	if (chunk.len == 0)
		next_request(conn);
	return true;
}

bool conn_step_linger(struct conn *conn)
{
	(void)channel_flush(&conn->channel);
	if (channel_discard(&conn->channel) == STATUS_CLOSED)
		conn_stop(conn, conn->linger_cause);
	return false;
}

/*
 * Handshakes cost a thousand times what anything else does here. When a crowd comes to the door they are done one after
 * the other, for LIMIT_SHAKE_TURN_US a turn of the loop, and in between the loop serves those who are inside. No more
 * are accepted than can be done soon: who waits in the kernel's queue costs nothing, and may give up unnoticed.
 */
#include "sweeper/gate/conn_core.h"

static void on_turn(uv_idle_t *turn)
{
	struct conn_host *host = turn->data;
	uint64_t end_ns = uv_hrtime() + 1000 * (uint64_t)LIMIT_SHAKE_TURN_US;

	/* The queue may be empty already: those who were in it left. */
	while (host->shaking != NULL && uv_hrtime() < end_ns) {
		struct conn *conn = host->shaking;

		conn_shake_never(conn);
		channel_readable(&conn->channel);
		conn_drive(conn);
	}
	if (host->shaking == NULL)
		(void)uv_idle_stop(turn);
	if (host->has_room != NULL)
		host->has_room(host);
}

void conn_host_init(struct conn_host *host, uv_loop_t *loop, const struct conn_service *service, void *ctx, size_t max)
{
	*host = (struct conn_host){ .loop = loop, .service = service, .ctx = ctx, .max = max };
	host->shaking_end = &host->shaking;
	held_init(&host->boxes);
	(void)uv_idle_init(loop, &host->turn);
	host->turn.data = host;
}

void conn_host_done(struct conn_host *host)
{
	held_done(&host->boxes);
}

bool conn_has_room(const struct conn_host *host)
{
	return host->count < host->max && host->shaking_count < LIMIT_SHAKES_WAITING;
}

void conn_shake_later(struct conn *conn)
{
	struct conn_host *host = conn->host;

	conn->shaking_next = NULL;
	conn->shaking_link = host->shaking_end;
	*host->shaking_end = conn;
	host->shaking_end = &conn->shaking_next;
	host->shaking_count++;
	(void)uv_idle_start(&host->turn, on_turn);
	conn_watch(conn);
}

void conn_shake_never(struct conn *conn)
{
	struct conn_host *host = conn->host;

	if (conn->shaking_link == NULL)
		return;
	*conn->shaking_link = conn->shaking_next;
	if (conn->shaking_next != NULL)
		conn->shaking_next->shaking_link = conn->shaking_link;
	else
		host->shaking_end = conn->shaking_link;
	conn->shaking_link = NULL;
	host->shaking_count--;
}

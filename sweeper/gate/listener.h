/*
 * listener: accepts connections for a host, within its maximum and a budget for each turn of the loop, so that a
 * crowd at the door does not starve those inside.
 *
 * Thread: the loop's.
 */
#ifndef RESCUE_SWEEPER_GATE_LISTENER_H
#define RESCUE_SWEEPER_GATE_LISTENER_H

#include "sweeper/gate/conn.h"

struct listener {
	int fd;
	struct conn_host *host;
	bool open;   /* the handles are the loop's */
	bool paused;
	uv_poll_t poll;
	uv_timer_t retry; /* after the system ran out of something */
};

/* Binds and listens on "host:port". The words name the address. */
enum status listener_open(const char *address, int *ret_fd, struct err *err);

/*
 * Starts to accept, by a descriptor of its own for the socket: several loops may share one, and whichever is free takes
 * the next connection. The listener must not move, and live until the loop has run once more after listener_stop.
 */
enum status listener_start(struct listener *listener, struct conn_host *host, int fd, struct err *err);

/* Stops accepting and closes its descriptor; safe twice and on a zeroed struct. */
void listener_stop(struct listener *listener);

#endif

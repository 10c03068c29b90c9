/*
 * conn: one connection, from accept to close. It knows bytes, states and deadlines, not what a request means: that
 * is its service's part. The transition diagram stands in conn.c.
 *
 * Thread: the loop's.
 * Owner: a connection owns itself and goes when it stops. A service that works on a request hangs a struct
 * conn_work on it, and is told there when the connection does not wait for the answer any more.
 */
#ifndef RESCUE_SWEEPER_GATE_CONN_H
#define RESCUE_SWEEPER_GATE_CONN_H

#include <uv.h>

#include "proto/http1.h"
#include "sweeper/gate/bodies.h"
#include "sweeper/gate/caller.h"
#include "sweeper/gate/held.h"

struct conn;

/* Each is called once at most, and the work is off the connection then. */
struct conn_work {
	void (*gone)(struct conn_work *work);    /* nobody waits any more: answer nothing */
	void (*expired)(struct conn_work *work); /* the hold is over: conn_answer or conn_work_on now */
};

/* Answers with an error of its own; NULL body: the plain reason of the code. */
struct conn_service {
	/*
	 * The headers are there: *ret_max_body is what may follow. Any result but 0 is the HTTP status of a refusal with
	 * `*ret_reason` (a literal) as its words.
	 */
	int (*admit)(struct conn *conn, const struct http1_request *request, size_t *ret_max_body,
	             const char **ret_reason);
	/* The request is there as a whole: conn_answer now, or conn_work_on and the answer later. */
	void (*serve)(struct conn *conn, const struct http1_request *request);
};

/* What the connections of one listener share. */
struct conn_host {
	uv_loop_t *loop;
	const struct conn_service *service;
	void *ctx;                           /* the service's */
	const struct sweeper_config *config;
	struct tls_server *tls;              /* NULL: plain HTTP */
	struct conn *first;                  /* all that are open */
	size_t count, max;
	struct held boxes;                   /* the connections of workspaces, by whose they are */
	struct conn *shaking, **shaking_end; /* handshakes that have something to do, the first come first */
	size_t shaking_count;
	uv_idle_t turn;                      /* runs while there are any */
	bool draining;                       /* every answer ends its connection */
	void (*has_room)(struct conn_host *host); /* there may be room for another connection; may be NULL */
	void *listener;
};

/* `config` and `tls` are set by the caller. The loop's handles are closed with all others; conn_host_done comes last. */
void conn_host_init(struct conn_host *host, uv_loop_t *loop, const struct conn_service *service, void *ctx, size_t max);
void conn_host_done(struct conn_host *host);
/* False: the maximum is reached, or more handshakes wait already than can be done soon. */
bool conn_has_room(const struct conn_host *host);

/* Takes over the accepted, non-blocking socket, also on failure. */
enum status conn_start(struct conn_host *host, int fd);

/* Ends all connections that wait for nothing; the rest ends with its answer. Held ones get their `expired`. */
void conn_drain(struct conn_host *host);
/* Ends all connections at once. */
void conn_stop_all(struct conn_host *host, const char *cause);

const struct conn_host *conn_host(const struct conn *conn);
/* Who the certificate says it is; without a tenant on a plain listener. */
const struct caller *conn_caller(const struct conn *conn);
int conn_fd(const struct conn *conn);

/* -- for the service, on a connection whose request it was given ------------------------------------------- */

/* Keeps the request beyond `serve`: the caller frees the parser, gives the part, and the request lives until then. */
struct http1_parser *conn_take_parser(struct conn *conn, struct bodies_part *ret_part);

/* The answer comes later, within LIMIT_WORK_MS. */
void conn_work_on(struct conn *conn, struct conn_work *work);
/* As that, but waiting is all there is to do: `expired` is called after `ms`. */
void conn_hold(struct conn *conn, struct conn_work *work, int64_t ms);
/* Takes the work off and sends the answer, whose body is copied. */
void conn_answer(struct conn *conn, const struct http1_answer *answer);

#endif

/*
 * conn_core: what the files of a connection share: conn.c (states, deadlines, the loop), conn_io.c (bytes to and from
 * the channel) and conn_request.c (requests and answers). Included by them alone.
 *
 * Thread: the loop's.
 */
#ifndef RESCUE_SWEEPER_GATE_CONN_CORE_H
#define RESCUE_SWEEPER_GATE_CONN_CORE_H

#include "sweeper/gate/channel.h"
#include "sweeper/gate/conn.h"

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
enum { CONN_READ_BYTES = 16 * 1024 };

struct conn {
	struct conn_host *host;
	struct conn *next, **link; /* in the host's list; *link points here */
	struct held_entry box;       /* in the host's boxes, once its workspace is known */
	bool is_box;
	struct conn *shaking_next, **shaking_link; /* in the host's queue; shaking_link NULL: not in it */
	enum conn_state state;
	struct channel channel;
	struct caller caller;
	struct http1_parser *parser; /* while a request comes in */
	struct bodies_part body_part; /* of its body */
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

/* True for the connections of callers, false for the machine's own watchers. */
static inline bool conn_is_gate(const struct conn *conn)
{
	return conn->host->tls != NULL;
}

/* Of conn.c. */

/* Traces, and arms the state's deadline. */
void conn_set_state(struct conn *conn, enum conn_state state, int64_t deadline_ms);
/* The one way to the end, from any state and any number of times. The memory goes in the handles' callbacks. */
void conn_stop(struct conn *conn, const char *cause);
struct conn_work *conn_take_work(struct conn *conn);
/* Forgets the request at hand, if there is one. */
void conn_drop_parser(struct conn *conn);

/* Moves the connection on as far as it goes now. */
void conn_drive(struct conn *conn);
/* Settles what the loop watches for. */
void conn_watch(struct conn *conn);

/* Of conn_shake.c. */

/* The peer has sent something in its handshake: it is looked at when its turn comes. */
void conn_shake_later(struct conn *conn);
/* Takes it out of the queue, if it is in it. */
void conn_shake_never(struct conn *conn);

/* Of conn_io.c: one step of a state: true when there may be more to do */

bool conn_step_handshake(struct conn *conn);
bool conn_step_read(struct conn *conn); /* IDLE, HEADERS and BODY */
bool conn_step_write(struct conn *conn);
bool conn_step_linger(struct conn *conn);

/* Of conn_request.c. */

/* The first byte of a request is there. False: the connection has stopped. */
bool conn_begin_request(struct conn *conn);
/* Gives bytes to the parser until they are used or the request is complete. */
void conn_take_bytes(struct conn *conn, struct span bytes);
/* True when the body grows fast enough and may go on. */
bool conn_body_goes_on(struct conn *conn);
/* Goes on to WRITING. `end_cause` is why the connection ends after the answer; NULL: if nothing else says so, it stays. */
void conn_start_writing(struct conn *conn, const struct http1_answer *answer, const char *end_cause);
/* An answer of the connection's own, after which it ends. `reason` is a literal. */
void conn_refuse(struct conn *conn, int code, const char *reason, const char *cause);

#endif

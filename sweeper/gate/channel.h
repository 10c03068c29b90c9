/*
 * channel: bytes of one connection between a socket and whoever reads requests, through TLS or plain.
 *
 * Nothing here waits: a socket that would block gives STATUS_AGAIN. The socket is read once for each
 * channel_readable, so that one busy peer cannot keep the loop to itself.
 * Thread: the loop's.
 */
#ifndef RESCUE_SWEEPER_GATE_CHANNEL_H
#define RESCUE_SWEEPER_GATE_CHANNEL_H

#include "shared/tls/session.h"

struct channel {
	int fd;                      /* owned; -1 after channel_done */
	struct tls_session *session; /* NULL: plain */
	struct buf plain_out;        /* of a plain channel: not yet sent */
	bool readable;               /* the loop said so and it was not used yet */
	bool ended;                  /* the peer has sent its last byte */
};

/* Takes the socket over, also on failure. `server` NULL makes a plain channel. */
enum status channel_init(struct channel *channel, int fd, struct tls_server *server);
void channel_done(struct channel *channel);

static inline void channel_readable(struct channel *channel)
{
	channel->readable = true;
}

/* As tls_session_handshake, with the network's bytes; STATUS_CLOSED when the peer left. OK at once when plain. */
enum status channel_handshake(struct channel *channel, struct err *err);

/* Bytes of requests. STATUS_AGAIN, STATUS_CLOSED at the peer's orderly end, else final. */
enum status channel_read(struct channel *channel, uint8_t *bytes, size_t cap, size_t *ret_len);

/* Takes all of `plain`; channel_flush brings it to the socket. */
enum status channel_write(struct channel *channel, struct span plain);

/* STATUS_OK: nothing is left to send. STATUS_AGAIN: the socket is full. STATUS_CLOSED: the peer is gone. */
enum status channel_flush(struct channel *channel);
bool channel_has_output(const struct channel *channel);

/* Waits: gives back the memory that only moving bytes needs. */
static inline void channel_rest(struct channel *channel)
{
	if (channel->session != NULL)
		tls_session_rest(channel->session);
}

/* Says goodbye: close_notify, and no more bytes after what is left to send. */
void channel_finish(struct channel *channel);

/* Reads and forgets. STATUS_AGAIN or STATUS_CLOSED. */
enum status channel_discard(struct channel *channel);

#endif

#include "sweeper/gate/channel.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* One TLS record and its overhead: more would only wait inside the session. */
enum { RECEIVE_BYTES = 16 * 1024 + 512, PLAIN_OUT_MAX = LIMIT_FETCH_BODY };

enum status channel_init(struct channel *channel, int fd, struct tls_server *server)
{
	*channel = (struct channel){ .fd = fd, .plain_out = BUF_INIT(PLAIN_OUT_MAX) };
	return server == NULL ? STATUS_OK : tls_session_new(server, &channel->session);
}

void channel_done(struct channel *channel)
{
	tls_session_free(channel->session);
	channel->session = NULL;
	buf_done(&channel->plain_out);
	if (channel->fd >= 0)
		(void)close(channel->fd);
	channel->fd = -1;
}

/* One recv(2) for each time the loop said that there is something. */
static enum status receive(struct channel *channel, uint8_t *bytes, size_t cap, size_t *ret_len)
{
	ssize_t got;

	if (channel->ended)
		return STATUS_CLOSED;
	if (!channel->readable)
		return STATUS_AGAIN;
	channel->readable = false;
	got = recv(channel->fd, bytes, cap, 0);
	if (got > 0) {
		*ret_len = (size_t)got;
		return STATUS_OK;
	}
	if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return STATUS_AGAIN;
	channel->ended = true;
	return STATUS_CLOSED;
}

/* Network to session. */
static enum status feed(struct channel *channel)
{
	uint8_t bytes[RECEIVE_BYTES];
	size_t len;
	enum status status = receive(channel, bytes, sizeof bytes, &len);

	return status == STATUS_OK ? tls_session_feed(channel->session, span_of(bytes, len)) : status;
}

enum status channel_handshake(struct channel *channel, struct err *err)
{
	enum status status;

	if (channel->session == NULL)
		return STATUS_OK;
	for (;;) {
		status = tls_session_handshake(channel->session, err);
		if (status != STATUS_AGAIN)
			return status;
		status = feed(channel);
		if (status != STATUS_OK)
			return status;
	}
}

enum status channel_read(struct channel *channel, uint8_t *bytes, size_t cap, size_t *ret_len)
{
	enum status status;

	if (channel->session == NULL)
		return receive(channel, bytes, cap, ret_len);
	for (;;) {
		status = tls_session_read(channel->session, bytes, cap, ret_len);
		if (status != STATUS_AGAIN)
			return status;
		status = feed(channel);
		if (status != STATUS_OK)
			return status;
	}
}

enum status channel_write(struct channel *channel, struct span plain)
{
	if (channel->session != NULL)
		return tls_session_write(channel->session, plain);
	buf_append_span(&channel->plain_out, plain);
	return buf_status(&channel->plain_out);
}

static struct span output(const struct channel *channel)
{
	return channel->session != NULL ? tls_session_output(channel->session) : buf_span(&channel->plain_out);
}

bool channel_has_output(const struct channel *channel)
{
	return output(channel).len > 0;
}

enum status channel_flush(struct channel *channel)
{
	struct span bytes;

	while ((bytes = output(channel)).len > 0) {
		ssize_t sent = send(channel->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK ? STATUS_AGAIN : STATUS_CLOSED;
		if (channel->session != NULL)
			tls_session_sent(channel->session, (size_t)sent);
		else
			buf_consume(&channel->plain_out, (size_t)sent);
	}
	buf_shrink(&channel->plain_out);
	return STATUS_OK;
}

void channel_finish(struct channel *channel)
{
	if (channel->session != NULL)
		tls_session_close(channel->session);
	(void)channel_flush(channel);
	(void)shutdown(channel->fd, SHUT_WR);
}

enum status channel_discard(struct channel *channel)
{
	uint8_t bytes[RECEIVE_BYTES];
	size_t len;
	enum status status = receive(channel, bytes, sizeof bytes, &len);

	return status == STATUS_OK ? STATUS_AGAIN : status;
}

#include "sweeper/gate/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/log.h"
#include "sweeper/address.h"

enum { ACCEPTS_PER_TURN = 64, BACKLOG = 4096, RETRY_MS = 100 };

static void on_poll(uv_poll_t *poll, int failed, int events);

static void set_paused(struct listener *listener, bool paused)
{
	if (listener->paused == paused)
		return;
	listener->paused = paused;
	if (paused)
		(void)uv_poll_stop(&listener->poll);
	else
		(void)uv_poll_start(&listener->poll, UV_READABLE, on_poll);
}

static void on_retry(uv_timer_t *timer)
{
	set_paused(timer->data, false);
}

static void on_room(struct conn_host *host)
{
	struct listener *listener = host->listener;

	if (listener->open && listener->paused && conn_has_room(host))
		set_paused(listener, false);
}

/* Out of descriptors or memory: the queue would wake the loop again and again, so look away for a moment. */
static void wait_for_resources(struct listener *listener)
{
	log_event(LOG_WARN, "gate.accept_failed", LOG_S("error", strerror(errno)), LOG_I("connections", listener->host->count));
	set_paused(listener, true);
	(void)uv_timer_start(&listener->retry, on_retry, RETRY_MS, 0);
}

static bool accept_one(struct listener *listener)
{
	int fd, on = 1;

	if (!conn_has_room(listener->host)) {
		set_paused(listener, true);
		return false;
	}
	fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		if (errno == ECONNABORTED || errno == EINTR)
			return true;
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			wait_for_resources(listener);
		return false;
	}
	/* Answers are written whole; waiting for more to send with them only costs time. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	if (conn_start(listener->host, fd) != STATUS_OK)
		log_event(LOG_ERROR, "gate.connection_refused", LOG_S("error", "out of memory"));
	return true;
}

static void on_poll(uv_poll_t *poll, int failed, int events)
{
	struct listener *listener = poll->data;

	(void)events;
	if (failed < 0) {
		errno = EBADF;
		wait_for_resources(listener);
		return;
	}
	for (int i = 0; i < ACCEPTS_PER_TURN && !listener->paused && accept_one(listener); i++)
		;
}

/* The first address of the list that can be bound. */
static int bind_any(const struct addrinfo *list)
{
	int fd = -1, on = 1;

	for (const struct addrinfo *at = list; at != NULL && fd < 0; at = at->ai_next) {
		fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (fd < 0)
			continue;
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
		if (bind(fd, at->ai_addr, at->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
			int saved = errno;

			(void)close(fd);
			errno = saved;
			fd = -1;
		}
	}
	return fd;
}

enum status listener_open(const char *text, int *ret_fd, struct err *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct address address;
	struct addrinfo *list = NULL;
	int failed;

	if (address_parse(span_cstr(text), &address) != STATUS_OK)
		return err_set(err, STATUS_INVALID, "%s is not host:port", text);
	failed = getaddrinfo(address.host, address.port, &hints, &list);
	if (failed != 0)
		return err_set(err, STATUS_UNAVAILABLE, "cannot look up %s: %s", text, gai_strerror(failed));
	*ret_fd = bind_any(list);
	freeaddrinfo(list);
	return *ret_fd < 0 ? err_set_errno(err, "cannot listen on %s", text) : STATUS_OK;
}

enum status listener_start(struct listener *listener, struct conn_host *host, int fd, struct err *err)
{
	*listener = (struct listener){ .fd = fcntl(fd, F_DUPFD_CLOEXEC, 0), .host = host, .paused = true };
	if (listener->fd < 0)
		return err_set_errno(err, "cannot share the listening socket");
	if (uv_poll_init(host->loop, &listener->poll, listener->fd) != 0) {
		(void)close(listener->fd);
		return err_set(err, STATUS_SYSTEM, "cannot watch the listening socket");
	}
	(void)uv_timer_init(host->loop, &listener->retry);
	listener->poll.data = listener;
	listener->retry.data = listener;
	listener->open = true;
	host->listener = listener;
	host->has_room = on_room;
	set_paused(listener, false);
	return STATUS_OK;
}

void listener_stop(struct listener *listener)
{
	if (!listener->open)
		return;
	listener->open = false;
	uv_close((uv_handle_t *)&listener->poll, NULL);
	uv_close((uv_handle_t *)&listener->retry, NULL);
	(void)close(listener->fd);
	listener->fd = -1;
}

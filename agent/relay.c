#include "agent/relay.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/collect/collect_file.h"
#include "agent/collect/engine.h"
#include "agent/sandbox/sandbox.h"
#include "shared/fdpass.h"
#include "shared/file.h"
#include "shared/log.h"

enum { HEAD_MAX = 4096, COPY_BYTES = 65536 };

/* Takes `word` off the front. */
static bool skip(struct span *text, struct span word)
{
	if (!span_starts_with(*text, word))
		return false;
	*text = span_sub(*text, word.len, text->len);
	return true;
}

bool relay_allows(struct span path)
{
	struct span id;

	(void)skip(&path, SPAN_LIT(ENGINE_VERSION_PATH));
	if (span_eq(path, SPAN_LIT(ENGINE_LIST_PATH)))
		return true;
	if (!skip(&path, SPAN_LIT(ENGINE_CONTAINER_PATH)))
		return false;
	id = span_sub(path, 0, span_find(path, SPAN_LIT("/"), 0));
	path = span_sub(path, id.len, path.len);
	return container_is_id(id) &&
	       (span_eq(path, SPAN_LIT(ENGINE_DETAILS_PATH)) || span_eq(path, SPAN_LIT(ENGINE_LOGS_PATH)));
}

/* The request's head up to its empty line; a body is never sent. */
static bool read_head(int fd, char head[static HEAD_MAX], size_t *ret_len)
{
	*ret_len = 0;
	while (*ret_len < HEAD_MAX) {
		ssize_t got = read(fd, head + *ret_len, HEAD_MAX - *ret_len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		*ret_len += (size_t)got;
		if (span_find(span_of(head, *ret_len), SPAN_LIT("\r\n\r\n"), 0) < *ret_len)
			return true;
	}
	return false;
}

/* The socket is looked up anew each time: an Engine that was restarted has a new one. */
static int connect_engine(const struct agent_config *config)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int place, fd;

	if (collect_file_open(config->root, config->docker.socket, S_IFSOCK, &place, NULL) != STATUS_OK)
		return -1;
	(void)snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d", place);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
		(void)close(fd);
		fd = -1;
	}
	(void)close(place);
	return fd;
}

/* Until the Engine ends, or the collector does not want any more. */
static void copy_answer(int engine, int collector)
{
	static char bytes[COPY_BYTES];
	struct pollfd watch[] = {
		{ .fd = engine, .events = POLLIN },
		{ .fd = collector, .events = 0 },
	};

	for (;;) {
		ssize_t got;

		if (poll(watch, 2, -1) < 0 && errno != EINTR)
			return;
		if (watch[1].revents != 0)
			return;
		if (watch[0].revents == 0)
			continue;
		got = read(engine, bytes, sizeof bytes);
		if (got == 0 || (got < 0 && errno != EINTR))
			return;
		if (got > 0 && file_put(collector, span_of(bytes, (size_t)got)) != STATUS_OK)
			return;
	}
}

static void serve(const struct agent_config *config, int collector)
{
	char head[HEAD_MAX], request[HEAD_MAX + 64];
	struct span path;
	size_t len;
	int engine;

	if (!read_head(collector, head, &len))
		return;
	path = span_of(head, len);
	if (!skip(&path, SPAN_LIT("GET ")))
		path.len = 0;
	path = span_sub(path, 0, span_find(path, SPAN_LIT(" "), 0));
	if (!relay_allows(path)) {
		log_event(LOG_ERROR, "relay.refused", LOG_I("bytes", len),
		          LOG_S("error", "the collector asked the Engine for what it never asks for"));
		return;
	}
	engine = connect_engine(config);
	if (engine < 0)
		return;
	len = (size_t)snprintf(request, sizeof request, "GET %.*s HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n",
	                       SPAN_ARG(path));
	if (file_put(engine, span_of(request, len)) == STATUS_OK)
		copy_answer(engine, collector);
	(void)close(engine);
}

void relay_run(const struct agent_config *config, int door)
{
	int fds[FDPASS_MAX];
	size_t count, len;
	char byte;

	sandbox_enter(SANDBOX_RELAY, NULL);
	while (fdpass_receive(door, &byte, sizeof byte, &len, fds, &count, NULL) == STATUS_OK) {
		if (count == 1)
			serve(config, fds[0]);
		for (size_t i = 0; i < count; i++)
			(void)close(fds[i]);
	}
}

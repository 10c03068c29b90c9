#include "agent/collect/doors.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/collect/collect_file.h"
#include "shared/clock.h"
#include "shared/fdpass.h"

enum { METADATA_REQUESTS = 3, READ_STEP = 4096 };

static struct doors current = { .engine = -1, .metadata = -1, .environ = -1, .kmsg = -1 };

void doors_set(struct doors doors)
{
	current = doors;
}

struct doors doors_get(void)
{
	return current;
}

enum status doors_read(const char *root, const char *path, struct buf *content, struct err *err)
{
	if (current.environ < 0 || strcmp(path, "/proc/1/environ") != 0)
		return collect_file_whole(root, path, content, err);
	return collect_file_range(current.environ, 0, (off_t)content->max, content, err);
}

/* Whoever is at the other end has its own deadlines; this one is for when it hangs all the same. */
static enum status read_to_end(int fd, struct buf *content, struct err *err)
{
	int64_t until_mono_ms = clock_mono_ms() + (METADATA_REQUESTS + 1) * LIMIT_METADATA_MS;

	for (;;) {
		struct pollfd watch = { .fd = fd, .events = POLLIN };
		int64_t left_ms = until_mono_ms - clock_mono_ms();
		uint8_t *room;
		ssize_t got;

		if (buf_reserve(content, READ_STEP, &room) != STATUS_OK)
			return err_set(err, buf_status(content), "the metadata service's answer is too large");
		if (poll(&watch, 1, left_ms > 0 ? (int)left_ms : 0) == 0)
			return err_set(err, STATUS_TIMEOUT, "the metadata service was not asked in time");
		got = read(fd, room, READ_STEP);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, "cannot read what the metadata service said");
		if (got == 0)
			return STATUS_OK;
		buf_commit(content, (size_t)got);
	}
}

enum status doors_read_metadata(struct buf *ret_document, struct err *err)
{
	struct buf content = BUF_INIT(sizeof(struct doors_metadata) + LIMIT_METADATA_ANSWER + READ_STEP);
	struct doors_metadata head;
	enum status status = read_to_end(current.metadata, &content, err);

	if (status == STATUS_OK && content.len < sizeof head)
		status = err_set(err, STATUS_UNAVAILABLE, "the metadata service was not asked");
	if (status == STATUS_OK) {
		memcpy(&head, content.ptr, sizeof head);
		head.err.text[sizeof head.err.text - 1] = '\0';
		status = head.status == STATUS_OK ? STATUS_OK : err_set(err, head.status, "%s", head.err.text);
	}
	if (status == STATUS_OK)
		buf_append_span(ret_document, span_sub(buf_span(&content), sizeof head, content.len));
	buf_wipe(&content);
	return status == STATUS_OK ? buf_status(ret_document) : status;
}

int doors_connect_engine(void *unused)
{
	int ends[2];
	enum status status;

	(void)unused;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return -1;
	status = fdpass_send(current.engine, SPAN_LIT("c"), &ends[1], 1, NULL);
	(void)close(ends[1]);
	if (status == STATUS_OK)
		return ends[0];
	(void)close(ends[0]);
	return -1;
}

#include "agent/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "proto/bundle.h"
#include "shared/clock.h"
#include "shared/log.h"

#define MARK_END "=== RESCUE SUMMARY END ===\r\n"
#define CLOUD_INIT "cloud-init-output.log.tail"

enum { MARK_ROOM = 400, CLOUD_INIT_ROOM = 1200 };

/* What of a bundle is shown: copies, since sections live during the callback only. */
struct excerpt {
	struct buf verdict;
	struct buf log; /* the end of cloud-init's output */
};

int console_open(const char *path)
{
	/* Neither a carrier nor a reader is waited for, and it does not become our controlling terminal. */
	int fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_APPEND | O_CLOEXEC);

	if (fd < 0)
		log_event(LOG_WARN, "console.open", LOG_S("path", path), LOG_S("error", strerror(errno)));
	return fd;
}

/* Lines end with both characters: a console may be raw. Two bytes for one at most. */
static void put_plain(struct buf *out, struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte = text.ptr[i];

		if (byte == '\n')
			buf_append_cstr(out, "\r\n");
		else
			buf_append_byte(out, (byte < ' ' && byte != '\t') || byte == 0x7f ? '?' : byte);
	}
}

/* The front of `text`, whole lines, as long as it fits into `room` bytes as it is printed. */
static struct span head_that_fits(struct span text, size_t room)
{
	struct span rest = text, line;
	size_t used = 0, kept = 0;

	while (span_next_line(&rest, &line)) {
		used += line.len + 1;
		if (used > room)
			break;
		kept += line.len;
	}
	return span_sub(text, 0, kept);
}

/* The same from the end. */
static struct span tail_that_fits(struct span text, size_t room)
{
	size_t used = 0, start = text.len, at = text.len;

	while (at > 0) {
		size_t line = at - 1;

		while (line > 0 && text.ptr[line - 1] != '\n')
			line--;
		used += at - line + 1;
		if (used > room)
			break;
		start = at = line;
	}
	return span_sub(text, start, text.len);
}

static enum status take_section(void *ctx, const struct bundle_section *section, struct err *err)
{
	struct excerpt *excerpt = ctx;

	(void)err;
	if (span_eq(section->first->section, SPAN_LIT("verdict")))
		buf_append_span(&excerpt->verdict, head_that_fits(section->content, excerpt->verdict.max));
	else if (span_eq(section->first->section, SPAN_LIT(CLOUD_INIT)))
		buf_append_span(&excerpt->log, tail_that_fits(section->content, excerpt->log.max));
	return STATUS_OK;
}

enum status console_summary(const struct parcel *parcel, const struct record_origin *origin, struct buf *out)
{
	struct excerpt excerpt = {
		.verdict = BUF_INIT(LIMIT_CONSOLE_BYTES - MARK_ROOM - CLOUD_INIT_ROOM),
		.log = BUF_INIT(LIMIT_CONSOLE_BYTES - MARK_ROOM),
	};
	enum status status = bundle_read(parcel_ndjson(parcel), take_section, &excerpt, NULL);
	size_t room;

	if (status == STATUS_OK) {
		buf_printf(out, "\r\n=== RESCUE SUMMARY BEGIN capture=%.*s workspace=%.*s ===\r\n",
		           SPAN_ARG(origin->capture_id), SPAN_ARG(origin->workspace_id));
		put_plain(out, buf_span(&excerpt.verdict));
		room = LIMIT_CONSOLE_BYTES - MARK_ROOM / 4 - out->len;
		buf_append_cstr(out, "-- " CLOUD_INIT " --\r\n");
		put_plain(out, tail_that_fits(buf_span(&excerpt.log), room));
		if (out->len > 0 && out->ptr[out->len - 1] != '\n')
			buf_append_cstr(out, "\r\n");
		buf_append_cstr(out, MARK_END);
		status = buf_status(out);
	}
	buf_done(&excerpt.verdict);
	buf_done(&excerpt.log);
	return status;
}

/* Milliseconds of the console's time that are left; 0: none. */
static int left_ms(int64_t until_mono_ms)
{
	int64_t left = until_mono_ms - clock_mono_ms();

	return left > 0 ? (int)left : 0;
}

void console_write(int fd, struct span summary)
{
	int64_t until_mono_ms = clock_mono_ms() + LIMIT_CONSOLE_MS;
	size_t wanted = summary.len;
	int failed = 0;

	while (summary.len > 0 && failed == 0) {
		ssize_t put = write(fd, summary.ptr, summary.len);

		if (put > 0) {
			summary = span_sub(summary, (size_t)put, summary.len);
		} else if (put < 0 && errno != EAGAIN && errno != EINTR) {
			failed = errno;
		} else {
			struct pollfd watch = { .fd = fd, .events = POLLOUT };
			int left = left_ms(until_mono_ms);

			if (left == 0 || poll(&watch, 1, left) == 0)
				failed = ETIMEDOUT;
		}
	}
	log_event(failed == 0 ? LOG_INFO : LOG_WARN, "console.summary", LOG_I("bytes", wanted - summary.len),
	          LOG_S(failed == 0 ? NULL : "error", strerror(failed)));
}

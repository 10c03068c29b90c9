#include "agent/collect/kernel_log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "agent/collect/collect_file.h"
#include "agent/collect/doors.h"

enum { MAX_LINE = 8192, FILE_LINES = 2000 };

void kernel_log_init(struct kernel_log *log)
{
	*log = (struct kernel_log){ 0 };
	for (size_t i = 0; i < LIMIT_KERNEL_LINES; i++)
		buf_init(&log->lines[i], MAX_LINE);
	buf_init(&log->oom, MAX_LINE);
}

void kernel_log_done(struct kernel_log *log)
{
	for (size_t i = 0; i < LIMIT_KERNEL_LINES; i++)
		buf_wipe(&log->lines[i]);
	buf_wipe(&log->oom);
}

static bool is_oom(struct span line)
{
	static const char *const words[] = {
		"Out of memory: Kill", "Memory cgroup out of memory", "oom-kill:", "oom_reaper: reaped",
	};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (span_find(line, span_cstr(words[i]), 0) < line.len)
			return true;
	}
	return false;
}

void kernel_log_add(struct kernel_log *log, struct span line)
{
	struct buf *slot = &log->lines[log->next];

	buf_reset(slot);
	buf_append_span(slot, line);
	if (buf_status(slot) == STATUS_TOO_LARGE) {
		/* Half of it could hide what the other half would have told. */
		buf_reset(slot);
		buf_append_cstr(slot, "[cut: a line that is too long]");
	}
	log->next = (log->next + 1) % LIMIT_KERNEL_LINES;
	log->count += log->count < LIMIT_KERNEL_LINES ? 1 : 0;
	if (is_oom(line)) {
		buf_reset(&log->oom);
		buf_append_span(&log->oom, line);
	}
}

void kernel_log_add_record(struct kernel_log *log, struct span record)
{
	size_t semicolon = span_find(record, SPAN_LIT(";"), 0);
	struct span head = span_sub(record, 0, semicolon), text = span_sub(record, semicolon + 1, record.len);
	BUF_AUTO line = BUF_INIT(MAX_LINE);
	uint64_t us = 0;

	/* priority, sequence, time in microseconds, flags */
	for (int field = 0; field < 2; field++)
		head = span_sub(head, span_find(head, SPAN_LIT(","), 0) + 1, head.len);
	head = span_sub(head, 0, span_find(head, SPAN_LIT(","), 0));
	text = span_sub(text, 0, span_find(text, SPAN_LIT("\n"), 0));
	if (semicolon >= record.len || !span_to_u64(head, &us))
		return;
	buf_printf(&line, "[%5" PRIu64 ".%06" PRIu64 "] ", us / 1000000, us % 1000000);
	buf_append_span(&line, text);
	kernel_log_add(log, buf_span(&line));
}

static enum status read_device(struct kernel_log *log, int fd, struct err *err)
{
	for (int i = 0; i < LIMIT_KERNEL_RECORDS; i++) {
		char record[MAX_LINE];
		ssize_t got = read(fd, record, sizeof record);

		if (got > 0)
			kernel_log_add_record(log, span_of(record, (size_t)got));
		else if (got == 0 || errno == EAGAIN)
			break;
		/* EPIPE: records were overwritten before they could be read; the next read goes on behind them. */
		else if (errno != EINTR && errno != EPIPE && errno != EINVAL)
			return err_set_errno(err, "cannot read /dev/kmsg");
	}
	return STATUS_OK;
}

static enum status read_files(struct kernel_log *log, const char *root, struct err *err)
{
	static const char *const paths[] = { "/var/log/kern.log", "/var/log/dmesg" };
	enum status status = STATUS_NOT_FOUND;

	for (size_t i = 0; i < sizeof paths / sizeof paths[0] && status != STATUS_OK; i++) {
		struct raw_text text;
		struct span rest, line;
		bool is_cut;

		raw_text_init(&text, COLLECT_FILE_RAW_MAX);
		status = collect_file_tail(root, paths[i], FILE_LINES, &text, &is_cut, err);
		rest = span_sub(buf_span(&text.bytes), text.context_len, text.bytes.len);
		while (status == STATUS_OK && span_next_line(&rest, &line))
			kernel_log_add(log, span_sub(line, 0, span_find(line, SPAN_LIT("\n"), 0)));
		raw_text_done(&text);
	}
	return status;
}

enum status kernel_log_read(struct kernel_log *log, const char *root, struct err *err)
{
	enum status status = STATUS_NOT_FOUND;
	int fd = -1;

	/* Another root has no kernel of its own; a device in it would be this machine's. */
	if (strcmp(root, "/") == 0)
		fd = doors_get().kmsg >= 0 ? fcntl(doors_get().kmsg, F_DUPFD_CLOEXEC, 0) :
		                             open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0) {
		status = read_device(log, fd, err);
		(void)close(fd);
	}
	return status == STATUS_OK ? STATUS_OK : read_files(log, root, err);
}

void kernel_log_write(const struct kernel_log *log, struct buf *out)
{
	for (size_t i = 0; i < log->count; i++) {
		size_t slot = (log->next + LIMIT_KERNEL_LINES - log->count + i) % LIMIT_KERNEL_LINES;

		buf_append_span(out, buf_span(&log->lines[slot]));
		buf_append_byte(out, '\n');
	}
}

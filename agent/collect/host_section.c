#include "agent/collect/host_section.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "agent/collect/collect_file.h"
#include "agent/collect/kernel_log.h"

enum { MAX_PROC_FILE = 65536 };

static bool is_wanted_memory(struct span line)
{
	static const char *const names[] = {
		"MemTotal:", "MemFree:", "MemAvailable:", "Buffers:", "Cached:", "SwapTotal:", "SwapFree:", "Shmem:",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (span_starts_with(line, span_cstr(names[i])))
			return true;
	}
	return false;
}

static void put_file(const struct plan *plan, const char *path, bool (*wants)(struct span line), struct buf *out)
{
	struct buf content = BUF_INIT(MAX_PROC_FILE);
	struct err err = ERR_INIT;
	struct span rest, line;

	if (collect_file_whole(plan->root, path, &content, &err) != STATUS_OK)
		buf_printf(out, "(%s)\n", err.text);
	rest = buf_span(&content);
	while (span_next_line(&rest, &line)) {
		if (wants == NULL || wants(line))
			buf_append_span(out, line);
	}
	if (out->len > 0 && out->ptr[out->len - 1] != '\n')
		buf_append_byte(out, '\n');
	buf_wipe(&content);
}

static unsigned percent(uint64_t part, uint64_t whole)
{
	return whole == 0 ? 0 : (unsigned)((double)part * 100.0 / (double)whole + 0.5);
}

static void put_disk(const struct plan *plan, const char *path, struct buf *out)
{
	struct err err = ERR_INIT;
	struct statvfs info;
	int fd;

	if (collect_file_place(plan->root, path, &fd, &err) != STATUS_OK) {
		buf_printf(out, "%-9s (%s)\n", path, err.text);
		return;
	}
	if (fstatvfs(fd, &info) != 0) {
		(void)err_set_errno(&err, "cannot ask");
		buf_printf(out, "%-9s (%s)\n", path, err.text);
	} else {
		uint64_t mib = 1024 * 1024, unit = info.f_frsize == 0 ? info.f_bsize : info.f_frsize;
		uint64_t used = info.f_blocks - info.f_bfree, inodes_used = info.f_files - info.f_ffree;

		buf_printf(out, "%-9s space %" PRIu64 " of %" PRIu64 " MiB used (%u %%), %" PRIu64 " MiB free; ", path,
		           used * unit / mib, info.f_blocks * unit / mib, percent(used, info.f_blocks),
		           info.f_bavail * unit / mib);
		buf_printf(out, "inodes %" PRIu64 " of %" PRIu64 " used (%u %%)\n", inodes_used, (uint64_t)info.f_files,
		           percent(inodes_used, info.f_files));
	}
	(void)close(fd);
}

static void put_kernel_log(const struct plan *plan, struct buf *out)
{
	struct kernel_log *log = malloc(sizeof *log);
	struct err err = ERR_INIT;
	enum status status;

	if (log == NULL) {
		buf_append_cstr(out, "== kernel log ==\n(out of memory)\n");
		return;
	}
	kernel_log_init(log);
	status = kernel_log_read(log, plan->root, &err);
	buf_append_cstr(out, "== last OOM kill ==\n");
	if (log->oom.len > 0)
		buf_append_span(out, buf_span(&log->oom));
	else
		buf_append_cstr(out, "(none in the kernel log)");
	buf_printf(out, "\n== kernel log, last %d lines ==\n", LIMIT_KERNEL_LINES);
	if (status != STATUS_OK)
		buf_printf(out, "(%s)\n", status == STATUS_NOT_FOUND ? "absent" : err.text);
	kernel_log_write(log, out);
	kernel_log_done(log);
	free(log);
}

void host_section(const struct plan *plan, struct section_result *result)
{
	struct buf *out = &result->content.bytes;

	buf_append_cstr(out, "== memory ==\n");
	put_file(plan, "/proc/meminfo", is_wanted_memory, out);
	buf_append_cstr(out, "== load ==\n");
	put_file(plan, "/proc/loadavg", NULL, out);
	buf_append_cstr(out, "== disk ==\n");
	put_disk(plan, "/", out);
	put_disk(plan, "/var", out);
	put_disk(plan, "/configs", out);
	put_kernel_log(plan, out);
}

/*
 * kernel_log: the end of the kernel's log, and the last time that it killed a process for want of memory.
 *
 * From /dev/kmsg on the box itself (kernel documentation, ABI/testing/dev-kmsg), else from the log files that a
 * logger or an image leaves below root. Thread: any.
 */
#ifndef RESCUE_AGENT_COLLECT_KERNEL_LOG_H
#define RESCUE_AGENT_COLLECT_KERNEL_LOG_H

#include "shared/buf.h"

struct kernel_log {
	struct buf lines[LIMIT_KERNEL_LINES]; /* a ring */
	size_t next, count;
	struct buf oom;                       /* the last such line; empty: none */
};

void kernel_log_init(struct kernel_log *log);
void kernel_log_done(struct kernel_log *log);

/* Takes one line without its newline. */
void kernel_log_add(struct kernel_log *log, struct span line);

/* Takes one record as read(2) gives it from /dev/kmsg: "6,1234,5678901,-;text\n key=value\n". */
void kernel_log_add_record(struct kernel_log *log, struct span record);

/* STATUS_NOT_FOUND when there is neither the device nor a file. */
enum status kernel_log_read(struct kernel_log *log, const char *root, struct err *err);

/* Appends the lines in order, each with a newline. */
void kernel_log_write(const struct kernel_log *log, struct buf *out);

#endif

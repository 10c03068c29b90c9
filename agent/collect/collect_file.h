/*
 * collect_file: files of a box, read with suspicion. They may be missing, vanish, grow, be huge or sparse, or not be
 * files at all.
 *
 * Every path is absolute as seen on the box and looked up below `root`: with a root other than "/", neither a
 * symbolic link nor ".." leads out of it (openat2(2), RESOLVE_IN_ROOT; on kernels without it no link is followed).
 * Nothing is opened before its type is known, since opening alone can do harm (a FIFO hangs, /dev/watchdog reboots).
 *
 * Words in `err` name the path and never hold content. Thread: any.
 */
#ifndef RESCUE_AGENT_COLLECT_COLLECT_FILE_H
#define RESCUE_AGENT_COLLECT_COLLECT_FILE_H

#include <sys/types.h>

#include "shared/redact/text.h"

/* Room for a section and the context before it, and for marking a cut. */
#define COLLECT_FILE_RAW_MAX (LIMIT_SECTION_BYTES + LIMIT_SECTION_CONTEXT + 4096)

/*
 * Opens what must be of `type`: S_IFREG and S_IFDIR for reading, S_IFSOCK as a place only (O_PATH).
 * STATUS_NOT_FOUND, STATUS_INVALID for another type, else STATUS_SYSTEM.
 */
enum status collect_file_open(const char *root, const char *path, mode_t type, int *ret_fd, struct err *err);

/* The same without regard to the type, as a place only (O_PATH), for fstatvfs(3). */
enum status collect_file_place(const char *root, const char *path, int *ret_fd, struct err *err);

/*
 * The beginning: at most `max_bytes`, cut behind a whole line, with a mark at the end that says so.
 * STATUS_TOO_LARGE when not even the first line fits: half a line could hold half a secret.
 * ret_text->bytes.max is set; what is there is kept before it.
 */
enum status collect_file_head(const char *root, const char *path, size_t max_bytes, struct raw_text *ret_text,
                              bool *ret_is_cut, struct err *err);

/*
 * The last `lines` lines, at most LIMIT_SECTION_BYTES, and before them up to LIMIT_SECTION_CONTEXT bytes as
 * the text's context. The mark of a cut by size stands at the end, so that the text stays contiguous for the redactor.
 * One line that is longer than both together is STATUS_TOO_LARGE. `ret_text` must be empty.
 */
enum status collect_file_tail(const char *root, const char *path, int64_t lines, struct raw_text *ret_text,
                              bool *ret_is_cut, struct err *err);

/* The whole file, behind what the buf holds; buf.max is the cap and STATUS_TOO_LARGE lies beyond it. */
enum status collect_file_whole(const char *root, const char *path, struct buf *ret_content, struct err *err);

/* Bytes [from, to) of an open file; fewer when it has shrunk meanwhile. */
enum status collect_file_range(int fd, off_t from, off_t to, struct buf *ret_content, struct err *err);

#endif

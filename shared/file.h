/*
 * file: whole small files in, whole files out atomically. Not for reading a box (agent/collect does
 * that, with more suspicion).
 *
 * Thread: any.
 */
#ifndef RESCUE_SHARED_FILE_H
#define RESCUE_SHARED_FILE_H

#include <sys/types.h>

#include "shared/buf.h"

/*
 * Appends the whole regular file to `ret_content`, whose max is the cap.
 * STATUS_NOT_FOUND when it does not exist, STATUS_TOO_LARGE beyond the cap, STATUS_INVALID when it is not a
 * regular file, else STATUS_SYSTEM; the words name the path.
 */
enum status file_read(const char *path, struct buf *ret_content, struct err *err);

/*
 * Writes a new file beside `path`, fsyncs it, renames it over `path` and fsyncs the folder: after a crash the
 * path holds the old content or the new, never a part (rename(2), fsync(2)). STATUS_INVALID when the path names a
 * device, a pipe or a folder: none of these is replaced by a file.
 */
enum status file_write_atomic(const char *path, struct span content, mode_t mode, struct err *err);
/* The same, where nothing is yet: of several writers at once one wins, and the others get STATUS_CONFLICT. */
enum status file_write_new(const char *path, struct span content, mode_t mode, struct err *err);

/* For a path that a user named: as file_write_atomic, but a device or a pipe is written to as it is. */
enum status file_write_output(const char *path, struct span content, mode_t mode, struct err *err);

/* All of it into what is open, however many calls that takes; it may wait. STATUS_SYSTEM, errno says why. */
enum status file_put(int fd, struct span content);

/* Makes the folder and its missing parents with `mode`. An existing folder is fine. */
enum status file_make_dirs(const char *path, mode_t mode, struct err *err);

#endif

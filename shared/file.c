#include "shared/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shared/failpoint.h"
#include "shared/limits.h"

enum { READ_STEP = 16384 };

static enum status read_all(int fd, const char *path, struct buf *content, struct err *err)
{
	for (;;) {
		uint8_t chunk[READ_STEP];
		ssize_t got = read(fd, chunk, sizeof chunk);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, "cannot read %s", path);
		if (got == 0)
			return STATUS_OK;
		buf_append(content, chunk, (size_t)got);
		wipe(chunk, (size_t)got); /* it may be a key */
		if (buf_status(content) != STATUS_OK)
			return err_set(err, buf_status(content), "%s is larger than %zu bytes", path, content->max);
	}
}

enum status file_read(const char *path, struct buf *ret_content, struct err *err)
{
	enum status status;
	struct stat info;
	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return err_set(err, STATUS_NOT_FOUND, "%s does not exist", path);
	if (fd < 0)
		return err_set_errno(err, "cannot open %s", path);
	if (fstat(fd, &info) != 0)
		status = err_set_errno(err, "cannot stat %s", path);
	else if (!S_ISREG(info.st_mode))
		status = err_set(err, STATUS_INVALID, "%s is not a regular file", path);
	else
		status = read_all(fd, path, ret_content, err);
	(void)close(fd);
	return status;
}

enum status file_put(int fd, struct span content)
{
	while (content.len > 0) {
		ssize_t put = write(fd, content.ptr, content.len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return STATUS_SYSTEM;
		content = span_sub(content, (size_t)put, content.len);
	}
	return STATUS_OK;
}

static enum status sync_folder_of(const char *path)
{
	char folder[LIMIT_PATH];
	char *slash;
	int fd;
	int failed;

	(void)snprintf(folder, sizeof folder, "%s", path);
	slash = strrchr(folder, '/');
	if (slash == NULL)
		(void)snprintf(folder, sizeof folder, ".");
	else
		slash[slash == folder ? 1 : 0] = '\0';
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return STATUS_SYSTEM;
	failed = fsync(fd);
	(void)close(fd);
	return failed == 0 ? STATUS_OK : STATUS_SYSTEM;
}

/* renameat2(2), by its number: musl has no function for it. */
static int rename_to_new(const char *from, const char *to)
{
	const unsigned no_replace = 1;

	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, no_replace);
}

static enum status write_beside(const char *path, struct span content, mode_t mode,
                                int (*put_in_place)(const char *from, const char *to), struct err *err)
{
	char temporary[LIMIT_PATH];
	enum status status;
	struct stat old;
	int fd;

	if (lstat(path, &old) == 0 && !S_ISREG(old.st_mode) && !S_ISLNK(old.st_mode))
		return err_set(err, STATUS_INVALID, "%s is not a regular file and is not replaced by one", path);
	if ((size_t)snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= sizeof temporary)
		return err_set(err, STATUS_TOO_LARGE, "the path %.100s… is too long", path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(err, "cannot create %s", temporary);
	if (fchmod(fd, mode) != 0 || file_put(fd, content) != STATUS_OK || fsync(fd) != 0) {
		status = err_set_errno(err, "cannot write %s", temporary);
		(void)close(fd);
		goto fail;
	}
	FAILPOINT("file.written");
	if (close(fd) != 0 || put_in_place(temporary, path) != 0) {
		status = errno == EEXIST ? err_set(err, STATUS_CONFLICT, "%s is there already", path) :
		                           err_set_errno(err, "cannot put %s in place", path);
		goto fail;
	}
	FAILPOINT("file.renamed");
	if (sync_folder_of(path) != STATUS_OK)
		return err_set_errno(err, "cannot fsync the folder of %s", path);
	return STATUS_OK;
fail:
	(void)unlink(temporary);
	return status;
}

enum status file_write_atomic(const char *path, struct span content, mode_t mode, struct err *err)
{
	return write_beside(path, content, mode, rename, err);
}

enum status file_write_new(const char *path, struct span content, mode_t mode, struct err *err)
{
	return write_beside(path, content, mode, rename_to_new, err);
}

enum status file_write_output(const char *path, struct span content, mode_t mode, struct err *err)
{
	struct stat old;
	bool ok;
	int fd;

	if (stat(path, &old) != 0 || S_ISREG(old.st_mode))
		return file_write_atomic(path, content, mode, err);
	fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(err, "cannot open %s", path);
	ok = file_put(fd, content) == STATUS_OK;
	if (!ok)
		(void)err_set_errno(err, "cannot write %s", path);
	(void)close(fd);
	return ok ? STATUS_OK : STATUS_SYSTEM;
}

enum status file_make_dirs(const char *path, mode_t mode, struct err *err)
{
	char part[LIMIT_PATH];

	if ((size_t)snprintf(part, sizeof part, "%s", path) >= sizeof part)
		return err_set(err, STATUS_TOO_LARGE, "the path %.100s… is too long", path);
	for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, mode) != 0 && errno != EEXIST)
			return err_set_errno(err, "cannot make the folder %s", part);
		*slash = '/';
	}
	if (mkdir(part, mode) != 0 && errno != EEXIST)
		return err_set_errno(err, "cannot make the folder %s", part);
	return STATUS_OK;
}

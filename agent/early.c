#include "agent/early.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proto/order.h"
#include "shared/file.h"
#include "shared/log.h"

#define PREFIX "early-"
#define SUFFIX ".ndjson.gz"
#define SUFFIX_PART ".ndjson.gz.part"
#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"

enum { ID_LEN = EARLY_BOOT_ID_SIZE - 1 };

enum status early_boot_id(char ret_id[static EARLY_BOOT_ID_SIZE], struct err *err)
{
	BUF_AUTO text = BUF_INIT(EARLY_BOOT_ID_SIZE);
	enum status status = file_read(BOOT_ID_FILE, &text, err);

	if (status != STATUS_OK)
		return status;
	if (!order_is_uuid(span_sub(buf_span(&text), 0, ID_LEN)))
		return err_set(err, STATUS_INVALID, BOOT_ID_FILE ": not a UUID");
	memcpy(ret_id, text.ptr, ID_LEN);
	ret_id[ID_LEN] = '\0';
	return STATUS_OK;
}

static enum status path_of(const char *dir, const char *boot_id, const char *suffix, char ret_path[static LIMIT_PATH],
                           struct err *err)
{
	if ((size_t)snprintf(ret_path, LIMIT_PATH, "%s/" PREFIX "%s%s", dir, boot_id, suffix) >= LIMIT_PATH)
		return err_set(err, STATUS_TOO_LARGE, "the path of the spool is too long");
	return STATUS_OK;
}

static bool is_ours(const char *name, const char *suffix)
{
	struct span text = span_cstr(name);

	return span_starts_with(text, SPAN_LIT(PREFIX)) &&
	       order_is_uuid(span_sub(text, strlen(PREFIX), ID_LEN)) && strcmp(name + strlen(PREFIX) + ID_LEN, suffix) == 0;
}

bool early_exists(const char *dir, const char *boot_id)
{
	char path[LIMIT_PATH];

	return path_of(dir, boot_id, SUFFIX, path, NULL) == STATUS_OK && access(path, F_OK) == 0;
}

enum status early_create(const char *dir, const char *boot_id, int *ret_fd, struct err *err)
{
	char path[LIMIT_PATH];
	enum status status = path_of(dir, boot_id, SUFFIX_PART, path, err);

	if (status == STATUS_OK)
		status = file_make_dirs(dir, 0700, err);
	if (status != STATUS_OK)
		return status;
	*ret_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	return *ret_fd >= 0 ? STATUS_OK : err_set_errno(err, "cannot create %s", path);
}

/* Removes all early captures but `kept`, which may be NULL, and syncs the folder. */
static void remove_others(const char *dir, const char *kept)
{
	DIR *folder = opendir(dir);
	struct dirent *entry;

	if (folder == NULL)
		return;
	while ((entry = readdir(folder)) != NULL) {
		bool is_early = is_ours(entry->d_name, SUFFIX) || is_ours(entry->d_name, SUFFIX_PART);

		if (is_early && (kept == NULL || strcmp(entry->d_name, kept) != 0) &&
		    unlinkat(dirfd(folder), entry->d_name, 0) != 0)
			log_event(LOG_ERROR, "early.remove", LOG_S("file", entry->d_name), LOG_S("error", strerror(errno)));
	}
	(void)fsync(dirfd(folder));
	(void)closedir(folder);
}

enum status early_settle(const char *dir, const char *boot_id, bool is_good, struct err *err)
{
	char part[LIMIT_PATH], path[LIMIT_PATH];
	enum status status = path_of(dir, boot_id, SUFFIX_PART, part, err);

	if (status == STATUS_OK)
		status = path_of(dir, boot_id, SUFFIX, path, err);
	if (status != STATUS_OK)
		return status;
	if (!is_good) {
		(void)unlink(part);
		return STATUS_OK;
	}
	if (rename(part, path) != 0)
		return err_set_errno(err, "cannot put %s in place", path);
	remove_others(dir, path + strlen(dir) + 1);
	return STATUS_OK;
}

int early_open(const char *dir)
{
	DIR *folder = opendir(dir);
	struct dirent *entry;
	int fd = -1;

	if (folder == NULL)
		return -1;
	while (fd < 0 && (entry = readdir(folder)) != NULL) {
		if (is_ours(entry->d_name, SUFFIX))
			fd = openat(dirfd(folder), entry->d_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	}
	(void)closedir(folder);
	return fd;
}

void early_drop(const char *dir)
{
	remove_others(dir, NULL);
}

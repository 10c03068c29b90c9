#include "agent/collect/collect_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { BLOCK = 16384, MARK_ROOM = 128 };

/* linux/openat2.h is not among the headers that a musl compiler sees. */
struct open_how_v0 {
	uint64_t flags;
	uint64_t mode;
	uint64_t resolve;
};
#define RESOLVE_BELOW_ROOT UINT64_C(0x10)

static const char *type_name(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: return "a regular file";
	case S_IFDIR: return "a folder";
	case S_IFIFO: return "a FIFO";
	case S_IFSOCK: return "a socket";
	case S_IFCHR: return "a character device";
	case S_IFBLK: return "a block device";
	case S_IFLNK: return "a symbolic link";
	}
	return "something else";
}

/* For kernels without openat2(2): component by component, following no link and accepting no "..". */
static int place_without_links(int root_fd, const char *path)
{
	int at = dup(root_fd);

	while (at >= 0) {
		char name[256];
		size_t len;
		int next;

		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (len == 0)
			return at;
		if (len >= sizeof name || (len == 2 && path[0] == '.' && path[1] == '.')) {
			(void)close(at);
			errno = ELOOP;
			return -1;
		}
		memcpy(name, path, len);
		name[len] = '\0';
		path += len;
		next = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		(void)close(at);
		at = next;
	}
	return -1;
}

static int open_place(const char *root, const char *path)
{
	struct open_how_v0 how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_BELOW_ROOT };
	int root_fd, fd, saved;

	if (root[strspn(root, "/")] == '\0' && root[0] == '/')
		return open(path, O_PATH | O_CLOEXEC);
	root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return -1;
	fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof how);
	/* EPERM comes from filters that do not know the call. */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = place_without_links(root_fd, path);
	saved = errno;
	(void)close(root_fd);
	errno = saved;
	return fd;
}

enum status collect_file_place(const char *root, const char *path, int *ret_fd, struct err *err)
{
	*ret_fd = open_place(root, path);
	if (*ret_fd >= 0)
		return STATUS_OK;
	if (errno == ENOENT || errno == ENOTDIR)
		return err_set(err, STATUS_NOT_FOUND, "%s does not exist", path);
	return err_set_errno(err, "cannot open %s", path);
}

enum status collect_file_open(const char *root, const char *path, mode_t type, int *ret_fd, struct err *err)
{
	enum status status;
	char again[64];
	struct stat info;
	int place;

	*ret_fd = -1;
	status = collect_file_place(root, path, &place, err);
	if (status != STATUS_OK)
		return status;
	if (fstat(place, &info) != 0) {
		status = err_set_errno(err, "cannot stat %s", path);
	} else if ((info.st_mode & S_IFMT) != type) {
		status = err_set(err, STATUS_INVALID, "%s is %s, not %s", path, type_name(info.st_mode), type_name(type));
	} else if (type == S_IFSOCK) {
		*ret_fd = place;
		return STATUS_OK;
	} else {
		/* The very thing whose type was looked at, whatever stands at its path by now. */
		(void)snprintf(again, sizeof again, "/proc/self/fd/%d", place);
		*ret_fd = open(again, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (*ret_fd < 0)
			status = err_set_errno(err, "cannot open %s", path);
	}
	(void)close(place);
	return status;
}

/* Up to `len` bytes from the current place on. Regular files of /proc say EAGAIN where others say the end. */
static enum status read_on(int fd, size_t len, struct buf *content, struct err *err)
{
	while (len > 0) {
		size_t want = len < BLOCK ? len : BLOCK;
		uint8_t *room;
		ssize_t got;

		if (buf_reserve(content, want, &room) != STATUS_OK)
			return err_set(err, buf_status(content), "%s", status_name(buf_status(content)));
		got = read(fd, room, want);
		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0 || (got < 0 && errno == EAGAIN))
			break;
		if (got < 0)
			return err_set_errno(err, "cannot read");
		buf_commit(content, (size_t)got);
		len -= (size_t)got;
	}
	return STATUS_OK;
}

/* Taken at once, so that growing does not leave copies of secrets behind in freed memory. */
static enum status make_room(struct buf *content, off_t size, size_t max, struct err *err)
{
	uint8_t *room;
	size_t want = size > 0 && (uint64_t)size < max ? (size_t)size : max;

	if (want + MARK_ROOM <= content->max - content->len)
		want += MARK_ROOM;
	if (size == 0 || buf_reserve(content, want, &room) == STATUS_OK)
		return STATUS_OK;
	return err_set(err, buf_status(content), "%s", status_name(buf_status(content)));
}

enum status collect_file_range(int fd, off_t from, off_t to, struct buf *ret_content, struct err *err)
{
	enum status status = make_room(ret_content, to - from, (size_t)(to - from), err);

	if (status != STATUS_OK)
		return status;
	if (lseek(fd, from, SEEK_SET) < 0)
		return err_set_errno(err, "cannot seek");
	return read_on(fd, (size_t)(to - from), ret_content, err);
}

enum status collect_file_whole(const char *root, const char *path, struct buf *ret_content, struct err *err)
{
	struct buf over = BUF_INIT(1);
	enum status status;
	int fd;

	status = collect_file_open(root, path, S_IFREG, &fd, err);
	if (status != STATUS_OK)
		return status;
	status = read_on(fd, ret_content->max - ret_content->len, ret_content, err);
	if (status == STATUS_OK)
		status = read_on(fd, 1, &over, err);
	if (status != STATUS_OK)
		err_prefix(err, "%s", path);
	else if (over.len > 0)
		status = err_set(err, STATUS_TOO_LARGE, "%s is larger than %zu bytes", path, ret_content->max);
	buf_wipe(&over);
	(void)close(fd);
	return status;
}

static void mark_cut(struct buf *content, off_t bytes, const char *where)
{
	if (content->len > 0 && content->ptr[content->len - 1] != '\n')
		buf_append_byte(content, '\n');
	if (bytes > 0)
		buf_printf(content, "[cut: %" PRIdMAX " bytes %s]\n", (intmax_t)bytes, where);
	else
		buf_printf(content, "[cut: more bytes %s]\n", where);
}

/* Drops what stands behind the last whole line of [start, …). */
static enum status keep_whole_lines(struct buf *content, size_t start, struct err *err)
{
	const uint8_t *newline = memrchr(content->ptr + start, '\n', content->len - start);

	if (newline == NULL)
		return err_set(err, STATUS_TOO_LARGE, "its first line is longer than %zu bytes", content->len - start - 1);
	content->len = (size_t)(newline - content->ptr) + 1;
	return STATUS_OK;
}

enum status collect_file_head(const char *root, const char *path, size_t max_bytes, struct raw_text *ret_text,
                              bool *ret_is_cut, struct err *err)
{
	struct buf *content = &ret_text->bytes;
	size_t start = content->len;
	enum status status;
	struct stat info;
	int fd;

	*ret_is_cut = false;
	content->max = start + max_bytes + 4096;
	status = collect_file_open(root, path, S_IFREG, &fd, err);
	if (status != STATUS_OK)
		return status;
	if (fstat(fd, &info) != 0)
		status = err_set_errno(err, "cannot stat");
	else
		status = make_room(content, info.st_size, max_bytes + 1, err);
	if (status == STATUS_OK)
		status = read_on(fd, max_bytes + 1, content, err);
	if (status == STATUS_OK && content->len - start > max_bytes) {
		*ret_is_cut = true;
		content->len--;
		status = keep_whole_lines(content, start, err);
		if (status == STATUS_OK)
			mark_cut(content, info.st_size - (off_t)(content->len - start), "after this");
	}
	if (status == STATUS_OK)
		status = buf_status(content);
	else
		err_prefix(err, "%s", path);
	(void)close(fd);
	return status;
}

/* The search for the beginning of a tail, from the end backwards. */
struct tail {
	off_t end;     /* of the file as it was when the search began */
	off_t reach;   /* no content before it */
	off_t floor;   /* no context before it */
	int64_t lines; /* still to be found */
	off_t start;   /* of the earliest line found within reach; -1: none yet */
	bool is_found; /* the search is over */
	bool is_cut;
};

static void tail_visit_line(struct tail *tail, off_t line)
{
	if (line >= tail->end)
		return;
	if (line >= tail->reach) {
		tail->start = line;
		tail->is_found = --tail->lines == 0;
		return;
	}
	/* The last line alone is longer than the reach: its beginning becomes context, so nothing in it hides. */
	tail->is_cut = true;
	tail->is_found = true;
	if (tail->start < 0)
		tail->start = tail->reach;
}

static enum status tail_search(int fd, struct tail *tail, struct err *err)
{
	uint8_t block[BLOCK];
	off_t at = tail->end;
	enum status status = STATUS_OK;

	while (at > tail->floor && !tail->is_found) {
		size_t len = at - tail->floor < BLOCK ? (size_t)(at - tail->floor) : BLOCK;
		ssize_t got = pread(fd, block, len, at - (off_t)len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got != (ssize_t)len) {
			status = got < 0 ? err_set_errno(err, "cannot read") :
			                   err_set(err, STATUS_AGAIN, "it shrank while it was read");
			break;
		}
		at -= (off_t)len;
		for (size_t i = len; i-- > 0 && !tail->is_found;) {
			if (block[i] == '\n')
				tail_visit_line(tail, at + (off_t)i + 1);
		}
	}
	wipe(block, sizeof block);
	if (status != STATUS_OK)
		return status;
	if (!tail->is_found && tail->floor == 0)
		tail_visit_line(tail, 0);
	else if (!tail->is_found)
		tail->is_cut = true;
	if (tail->start < 0)
		return err_set(err, STATUS_TOO_LARGE, "its last line is longer than %d bytes",
		               LIMIT_SECTION_BYTES + LIMIT_SECTION_CONTEXT);
	return STATUS_OK;
}

/* A file that says it is empty but is not (in /proc): its beginning, since its end is not known. */
static enum status read_unsized(int fd, struct buf *content, bool *ret_is_cut, struct err *err)
{
	enum status status = read_on(fd, LIMIT_SECTION_BYTES, content, err);

	if (status == STATUS_OK && content->len == LIMIT_SECTION_BYTES) {
		*ret_is_cut = true;
		status = keep_whole_lines(content, 0, err);
		if (status == STATUS_OK)
			mark_cut(content, 0, "after this");
	}
	return status;
}

static enum status read_tail(int fd, off_t size, int64_t lines, struct raw_text *text, bool *ret_is_cut,
                             struct err *err)
{
	struct tail tail = {
		.end = size,
		.reach = size > LIMIT_SECTION_BYTES ? size - LIMIT_SECTION_BYTES : 0,
		.lines = lines,
		.start = -1,
	};
	enum status status;
	off_t context;

	tail.floor = tail.reach > LIMIT_SECTION_CONTEXT + 1 ? tail.reach - LIMIT_SECTION_CONTEXT - 1 : 0;
	status = tail_search(fd, &tail, err);
	if (status != STATUS_OK)
		return status;
	context = tail.start > LIMIT_SECTION_CONTEXT ? tail.start - LIMIT_SECTION_CONTEXT : 0;
	status = collect_file_range(fd, context, size, &text->bytes, err);
	if (status != STATUS_OK)
		return status;
	text->context_len = (size_t)(tail.start - context);
	if (text->context_len > text->bytes.len)
		text->context_len = text->bytes.len;
	*ret_is_cut = tail.is_cut;
	if (tail.is_cut)
		mark_cut(&text->bytes, tail.start, "before the first line");
	return buf_status(&text->bytes);
}

enum status collect_file_tail(const char *root, const char *path, int64_t lines, struct raw_text *ret_text,
                              bool *ret_is_cut, struct err *err)
{
	enum status status;
	struct stat info;
	int fd;

	*ret_is_cut = false;
	ret_text->bytes.max = COLLECT_FILE_RAW_MAX;
	status = collect_file_open(root, path, S_IFREG, &fd, err);
	if (status != STATUS_OK)
		return status;
	status = STATUS_AGAIN;
	/* A file that is rotated by truncation while it is read is looked at again, from its new end. */
	for (int attempt = 0; attempt < 3 && status == STATUS_AGAIN; attempt++) {
		if (fstat(fd, &info) != 0)
			status = err_set_errno(err, "cannot stat");
		else if (info.st_size == 0)
			status = read_unsized(fd, &ret_text->bytes, ret_is_cut, err);
		else
			status = read_tail(fd, info.st_size, lines, ret_text, ret_is_cut, err);
	}
	if (status != STATUS_OK)
		err_prefix(err, "%s", path);
	(void)close(fd);
	return status;
}

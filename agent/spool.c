#include "agent/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/failpoint.h"
#include "shared/file.h"
#include "shared/log.h"

#define SUFFIX_WAITING ".ndjson.gz"
#define SUFFIX_REFUSED ".ndjson.gz.refused"
#define SUFFIX_ORDER ".order.json"

enum { ID_LEN = CAPTURE_ID_SIZE - 1 };

static enum status path_of(const struct spool *spool, const char *capture_id, const char *suffix,
                           char ret_path[static LIMIT_PATH], struct err *err)
{
	if (!order_is_uuid(span_cstr(capture_id)))
		return err_set(err, STATUS_INVALID, "not a capture id");
	if ((size_t)snprintf(ret_path, LIMIT_PATH, "%s/%s%s", spool->dir, capture_id, suffix) >= LIMIT_PATH)
		return err_set(err, STATUS_TOO_LARGE, "the path of the spool is too long");
	return STATUS_OK;
}

/* Not being there is fine. */
static void remove_file(const struct spool *spool, const char *capture_id, const char *suffix)
{
	char path[LIMIT_PATH];
	struct err err = ERR_INIT;

	if (path_of(spool, capture_id, suffix, path, &err) != STATUS_OK)
		return;
	if (unlink(path) != 0 && errno != ENOENT)
		log_event(LOG_ERROR, "spool.remove", LOG_S("capture_id", capture_id), LOG_S("path", path),
		          LOG_S("error", strerror(errno)));
}

static enum spool_state state_of_name(const char *name)
{
	if (strlen(name) <= ID_LEN || !order_is_uuid(span_of(name, ID_LEN)))
		return SPOOL_NONE;
	if (strcmp(name + ID_LEN, SUFFIX_WAITING) == 0)
		return SPOOL_WAITING;
	return strcmp(name + ID_LEN, SUFFIX_REFUSED) == 0 ? SPOOL_REFUSED : SPOOL_NONE;
}

/* file_write_atomic's temporary name: ours, a dot and six characters. */
static bool is_half_written(const char *name)
{
	size_t len = strlen(name);
	size_t waiting = ID_LEN + strlen(SUFFIX_WAITING), order = ID_LEN + strlen(SUFFIX_ORDER);

	if (len <= ID_LEN || !order_is_uuid(span_of(name, ID_LEN)))
		return false;
	if (len == waiting + 7 && strncmp(name + ID_LEN, SUFFIX_WAITING ".", strlen(SUFFIX_WAITING) + 1) == 0)
		return true;
	return len == order + 7 && strncmp(name + ID_LEN, SUFFIX_ORDER ".", strlen(SUFFIX_ORDER) + 1) == 0;
}

/* An order whose bundle was never put, or was dropped already. */
static bool is_left_alone(int folder, const char *name)
{
	static const char *const suffixes[] = { SUFFIX_WAITING, SUFFIX_REFUSED };

	if (strlen(name) <= ID_LEN || !order_is_uuid(span_of(name, ID_LEN)) || strcmp(name + ID_LEN, SUFFIX_ORDER) != 0)
		return false;
	for (size_t i = 0; i < 2; i++) {
		char bundle[ID_LEN + sizeof SUFFIX_REFUSED];

		(void)snprintf(bundle, sizeof bundle, "%.*s%s", ID_LEN, name, suffixes[i]);
		if (faccessat(folder, bundle, F_OK, 0) == 0)
			return false;
	}
	return true;
}

enum status spool_init(struct spool *spool, const char *dir, struct err *err)
{
	enum status status = file_make_dirs(dir, 0700, err);
	struct dirent *entry;
	DIR *folder;

	spool->dir = dir;
	if (status != STATUS_OK)
		return status;
	folder = opendir(dir);
	if (folder == NULL)
		return err_set_errno(err, "cannot open the spool %s", dir);
	while ((entry = readdir(folder)) != NULL) {
		/* A set-aside parcel never looks half written: ".refused" is longer than a temporary ending. */
		if (is_half_written(entry->d_name) || is_left_alone(dirfd(folder), entry->d_name))
			(void)unlinkat(dirfd(folder), entry->d_name, 0);
	}
	(void)closedir(folder);
	return STATUS_OK;
}

static int by_age(const void *a, const void *b)
{
	const struct spool_entry *left = a, *right = b;

	if (left->stored_ns != right->stored_ns)
		return left->stored_ns < right->stored_ns ? -1 : 1;
	return strcmp(left->capture_id, right->capture_id);
}

static void add_entry(struct spool_list *list, DIR *folder, const char *name)
{
	struct spool_entry *entry = &list->items[list->count];
	enum spool_state state = state_of_name(name);
	struct stat info;

	if (state == SPOOL_NONE || fstatat(dirfd(folder), name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
	    !S_ISREG(info.st_mode))
		return;
	memcpy(entry->capture_id, name, ID_LEN);
	entry->capture_id[ID_LEN] = '\0';
	entry->state = state;
	entry->stored_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
	entry->bytes = (size_t)info.st_size;
	list->count++;
}

enum status spool_list(const struct spool *spool, struct spool_list *ret_list, struct err *err)
{
	DIR *folder = opendir(spool->dir);
	struct dirent *entry;

	ret_list->count = 0;
	if (folder == NULL)
		return err_set_errno(err, "cannot open the spool %s", spool->dir);
	while (ret_list->count < SPOOL_LIST_MAX && (entry = readdir(folder)) != NULL)
		add_entry(ret_list, folder, entry->d_name);
	(void)closedir(folder);
	qsort(ret_list->items, ret_list->count, sizeof ret_list->items[0], by_age);
	return STATUS_OK;
}

/* The one that has to go first: the oldest refused, else the oldest waiting. */
static size_t choose_victim(const struct spool_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].state == SPOOL_REFUSED)
			return i;
	}
	return 0;
}

static void evict(const struct spool *spool, struct spool_list *list, size_t index)
{
	struct spool_entry entry = list->items[index];
	bool refused = entry.state == SPOOL_REFUSED;

	log_event(refused ? LOG_WARN : LOG_ERROR, "spool.full", LOG_S("capture_id", entry.capture_id),
	          LOG_S("removed", refused ? "a refused bundle" : "a bundle that was not sent yet"),
	          LOG_I("bytes", entry.bytes));
	remove_file(spool, entry.capture_id, refused ? SUFFIX_REFUSED : SUFFIX_WAITING);
	remove_file(spool, entry.capture_id, SUFFIX_ORDER);
	list->count--;
	memmove(&list->items[index], &list->items[index + 1], (list->count - index) * sizeof list->items[0]);
}

static enum status make_room(const struct spool *spool, const char *capture_id, size_t bytes, struct err *err)
{
	struct spool_list list;
	enum status status = spool_list(spool, &list, err);
	size_t total = bytes;

	if (status != STATUS_OK)
		return status;
	for (size_t i = 0; i < list.count; i++) {
		/* It is about to be replaced. */
		if (strcmp(list.items[i].capture_id, capture_id) == 0) {
			list.count--;
			memmove(&list.items[i], &list.items[i + 1], (list.count - i) * sizeof list.items[0]);
			i--;
			continue;
		}
		total += list.items[i].bytes;
	}
	while (list.count > 0 && (list.count + 1 > LIMIT_SPOOL_BUNDLES || total > LIMIT_SPOOL_BYTES)) {
		size_t victim = choose_victim(&list);

		total -= list.items[victim].bytes;
		evict(spool, &list, victim);
	}
	return STATUS_OK;
}

enum status spool_put(const struct spool *spool, const struct order *order, const struct parcel *parcel,
                      struct err *err)
{
	char order_path[LIMIT_PATH], path[LIMIT_PATH];
	BUF_AUTO json = BUF_INIT(LIMIT_SWEEPER_ANSWER);
	enum status status = path_of(spool, order->capture_id, SUFFIX_ORDER, order_path, err);

	if (status == STATUS_OK)
		status = path_of(spool, order->capture_id, SUFFIX_WAITING, path, err);
	if (status == STATUS_OK)
		status = make_room(spool, order->capture_id, parcel_gzip(parcel).len, err);
	if (status == STATUS_OK && order_format(order, &json) != STATUS_OK)
		status = err_set(err, STATUS_NO_MEMORY, "out of memory");
	/* The order first: a bundle in its place always has one. */
	if (status == STATUS_OK)
		status = file_write_atomic(order_path, buf_span(&json), 0600, err);
	FAILPOINT("spool.order_put");
	if (status == STATUS_OK)
		status = file_write_atomic(path, parcel_gzip(parcel), 0600, err);
	FAILPOINT("spool.put");
	if (status == STATUS_OK)
		remove_file(spool, order->capture_id, SUFFIX_REFUSED);
	return status;
}

enum spool_state spool_find(const struct spool *spool, const char *capture_id, struct order *ret_order)
{
	char path[LIMIT_PATH];
	BUF_AUTO json = BUF_INIT(LIMIT_SWEEPER_ANSWER);
	enum spool_state state = SPOOL_NONE;

	memset(ret_order, 0, sizeof *ret_order);
	if (path_of(spool, capture_id, SUFFIX_REFUSED, path, NULL) == STATUS_OK && access(path, F_OK) == 0)
		state = SPOOL_REFUSED;
	if (path_of(spool, capture_id, SUFFIX_WAITING, path, NULL) == STATUS_OK && access(path, F_OK) == 0)
		state = SPOOL_WAITING;
	if (state == SPOOL_NONE || path_of(spool, capture_id, SUFFIX_ORDER, path, NULL) != STATUS_OK)
		return state;
	if (file_read(path, &json, NULL) != STATUS_OK || order_parse(buf_span(&json), ret_order, NULL) != STATUS_OK)
		memset(ret_order, 0, sizeof *ret_order);
	return state;
}

enum status spool_load(const struct spool *spool, const char *capture_id, struct parcel **ret_parcel,
                       struct err *err)
{
	char path[LIMIT_PATH];
	enum status status = path_of(spool, capture_id, SUFFIX_WAITING, path, err);

	*ret_parcel = NULL;
	return status == STATUS_OK ? parcel_read(path, capture_id, ret_parcel, err) : status;
}

void spool_drop(const struct spool *spool, const char *capture_id)
{
	remove_file(spool, capture_id, SUFFIX_WAITING);
	FAILPOINT("spool.dropping");
	remove_file(spool, capture_id, SUFFIX_ORDER);
	FAILPOINT("spool.dropped");
}

void spool_set_aside(const struct spool *spool, const char *capture_id)
{
	char from[LIMIT_PATH], to[LIMIT_PATH];

	if (path_of(spool, capture_id, SUFFIX_WAITING, from, NULL) != STATUS_OK ||
	    path_of(spool, capture_id, SUFFIX_REFUSED, to, NULL) != STATUS_OK)
		return;
	if (rename(from, to) == 0)
		log_event(LOG_WARN, "spool.set_aside", LOG_S("capture_id", capture_id), LOG_S("path", to));
	else
		log_event(LOG_ERROR, "spool.set_aside", LOG_S("capture_id", capture_id), LOG_S("path", from),
		          LOG_S("error", strerror(errno)));
}

#include "agent/collect/container_disk.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/collect/collect_file.h"

#define CONTAINERS_FOLDER "/var/lib/docker/containers"

enum { MAX_PATH = sizeof CONTAINERS_FOLDER + 300 };

static void log_path_of(const char *id, char path[static MAX_PATH])
{
	(void)snprintf(path, MAX_PATH, CONTAINERS_FOLDER "/%.128s/%.128s-json.log", id, id);
}

static enum status read_description(const char *root, const char *id, struct container *container)
{
	struct buf content = BUF_INIT(LIMIT_CONTAINER_FILE);
	char path[MAX_PATH];
	enum status status;

	(void)snprintf(path, sizeof path, CONTAINERS_FOLDER "/%.128s/config.v2.json", id);
	status = collect_file_whole(root, path, &content, NULL);
	if (status == STATUS_OK)
		status = container_read_details(buf_span(&content), container, NULL);
	buf_wipe(&content);
	return status;
}

/* Without a description there is still the log file, and when it was written last. */
static enum status make_nameless(const char *root, const char *id, struct container *container)
{
	char path[MAX_PATH];
	struct stat info;
	int fd;

	log_path_of(id, path);
	if (collect_file_open(root, path, S_IFREG, &fd, NULL) == STATUS_OK) {
		if (fstat(fd, &info) == 0)
			container->created_s = (int64_t)info.st_mtime;
		(void)close(fd);
	}
	container->id = strdup(id);
	container->name = strdup("");
	container->image = strdup("");
	container->state = strdup("unknown");
	container->status = strdup("");
	container->log_path = strdup("");
	container->error = strdup("");
	if (container->id == NULL || container->name == NULL || container->image == NULL || container->state == NULL ||
	    container->status == NULL || container->log_path == NULL || container->error == NULL)
		return STATUS_NO_MEMORY;
	return STATUS_OK;
}

static enum status add_container(const char *root, const char *id, struct container_list *list)
{
	struct container *container = &list->items[list->count];
	enum status status = read_description(root, id, container);

	if (status != STATUS_OK) {
		container_done(container);
		status = make_nameless(root, id, container);
	}
	if (status != STATUS_OK)
		container_done(container);
	else
		list->count++;
	return status;
}

static enum status list_folder(const char *root, DIR *folder, struct container_list *list)
{
	const struct dirent *entry;

	list->items = calloc(LIMIT_CONTAINERS, sizeof *list->items);
	if (list->items == NULL)
		return STATUS_NO_MEMORY;
	while ((entry = readdir(folder)) != NULL) {
		if (!container_is_id(span_cstr(entry->d_name)))
			continue;
		if (list->count == LIMIT_CONTAINERS) {
			list->is_cut = true;
			break;
		}
		if (add_container(root, entry->d_name, list) != STATUS_OK)
			return STATUS_NO_MEMORY;
	}
	return STATUS_OK;
}

enum status container_disk_list(const char *root, struct container_list *ret_list, struct err *err)
{
	enum status status;
	DIR *folder;
	int fd;

	*ret_list = (struct container_list){ 0 };
	status = collect_file_open(root, CONTAINERS_FOLDER, S_IFDIR, &fd, err);
	if (status != STATUS_OK)
		return status;
	folder = fdopendir(fd);
	if (folder == NULL) {
		status = err_set_errno(err, "cannot list %s", CONTAINERS_FOLDER);
		(void)close(fd);
		return status;
	}
	status = list_folder(root, folder, ret_list);
	(void)closedir(folder);
	if (status != STATUS_OK) {
		container_list_done(ret_list);
		return err_set(err, status, "%s", status_name(status));
	}
	return STATUS_OK;
}

static enum status add_json_lines(struct raw_text *text, struct container_log *log)
{
	struct span rest = span_sub(buf_span(&text->bytes), text->context_len, text->bytes.len);
	struct span line;
	enum status status = STATUS_OK;

	while (status == STATUS_OK && span_next_line(&rest, &line))
		status = container_log_add_json(log, line);
	return status;
}

enum status container_disk_log(const char *root, const struct container *container, struct container_log *log,
                               struct err *err)
{
	struct raw_text text;
	enum status status = STATUS_NOT_FOUND;
	bool is_cut = false;

	raw_text_init(&text, COLLECT_FILE_RAW_MAX);
	if (container->log_path[0] == '/')
		status = collect_file_tail(root, container->log_path, LIMIT_ENGINE_LOG_LINES, &text, &is_cut, err);
	if (status != STATUS_OK) {
		char path[MAX_PATH];

		log_path_of(container->id, path);
		raw_text_done(&text);
		status = collect_file_tail(root, path, LIMIT_ENGINE_LOG_LINES, &text, &is_cut, err);
	}
	if (status == STATUS_OK && is_cut)
		container_log_mark_incomplete(log);
	if (status == STATUS_OK)
		status = add_json_lines(&text, log);
	raw_text_done(&text);
	return status;
}

/*
 * archive: the sink that keeps each bundle as a file, DIR/<org>/<workspace_id>/<capture_id>.ndjson.gz. Shipping it
 * again writes the same file again.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/identity.h"
#include "shared/file.h"
#include "sweeper/ship/sink.h"

#define SUFFIX ".ndjson.gz"

static enum status archive_make(const struct sink_options *options, void **ret_sink, struct err *err)
{
	struct sink_options *archive = malloc(sizeof *archive);

	if (archive == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	*archive = *options;
	*ret_sink = archive;
	return STATUS_OK;
}

static void archive_free(void *sink)
{
	free(sink);
}

/* What a sweeper that was killed while it wrote this capture's file has left beside it (file_write_atomic). */
static void clear_strays(const char *folder, const char *capture_id)
{
	char start[sizeof SUFFIX + CAPTURE_ID_SIZE];
	DIR *open_folder = opendir(folder);
	struct dirent *entry;
	int len = snprintf(start, sizeof start, "%s" SUFFIX ".", capture_id);

	if (open_folder == NULL)
		return;
	while ((entry = readdir(open_folder)) != NULL) {
		if (strncmp(entry->d_name, start, (size_t)len) == 0)
			(void)unlinkat(dirfd(open_folder), entry->d_name, 0);
	}
	(void)closedir(open_folder);
}

static enum status write_bundle(const struct sink_options *archive, const struct cargo *cargo, struct err *err)
{
	char folder[LIMIT_PATH], path[LIMIT_PATH];
	enum status status;
	int len;

	/* Names from a database become names of files: nothing with a '/' and no "..". */
	if (!identity_is_segment(span_cstr(archive->org), LIMIT_ORG) ||
	    !identity_is_segment(span_cstr(cargo->workspace_id), LIMIT_WORKSPACE_ID) ||
	    !order_is_uuid(span_cstr(cargo->capture_id)))
		return err_set(err, STATUS_INVALID, "org, workspace or capture cannot be the name of a file");
	len = snprintf(folder, sizeof folder, "%s/%s/%s", archive->config->dir, archive->org, cargo->workspace_id);
	if (len < 0 || (size_t)len >= sizeof folder)
		return err_set(err, STATUS_TOO_LARGE, "the path of the archive is too long");
	status = file_make_dirs(folder, 0700, err);
	if (status != STATUS_OK)
		return status;
	clear_strays(folder, cargo->capture_id);
	len = snprintf(path, sizeof path, "%s/%s" SUFFIX, folder, cargo->capture_id);
	if (len < 0 || (size_t)len >= sizeof path)
		return err_set(err, STATUS_TOO_LARGE, "the path of the archive is too long");
	return file_write_atomic(path, buf_span(&cargo->bundle_gzip), 0600, err);
}

static void archive_ship(void *sink, struct lease *lease, struct cargo **cargos, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct err err = ERR_INIT;
		enum status status = lease_keep(lease, &err);

		cargo_begin(cargos[i]);
		if (status == STATUS_OK && !cargos[i]->is_lost)
			status = write_bundle(sink, cargos[i], &err);
		(void)cargo_finish(cargos[i], status, "%s", err.text);
	}
}

const struct sink_ops archive_sink = { .make = archive_make, .free = archive_free, .ship = archive_ship };

#include "sweeper/verdict/timeouts.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/log.h"
#include "sweeper/verdict/manifest.h"

struct timeouts {
	const struct sweeper_config *config;
	const struct tenant_config *tenant;
	struct manifest *manifests;       /* room for LIMIT_MANIFESTS */
	size_t manifest_count;
	struct runtime_timeout *resolved; /* names borrowed from the manifests and the configuration */
	bool is_folder_bad;               /* warned about */
	bool is_full;                     /* warned about */
};

struct timeouts *timeouts_new(const struct sweeper_config *config, const struct tenant_config *tenant)
{
	struct timeouts *timeouts = calloc(1, sizeof *timeouts);

	if (timeouts == NULL)
		return NULL;
	timeouts->config = config;
	timeouts->tenant = tenant;
	timeouts->manifests = calloc(LIMIT_MANIFESTS, sizeof *timeouts->manifests);
	timeouts->resolved = calloc(LIMIT_MANIFESTS + config->timeouts.runtime_count, sizeof *timeouts->resolved);
	if (timeouts->manifests == NULL || timeouts->resolved == NULL) {
		timeouts_free(timeouts);
		return NULL;
	}
	return timeouts;
}

void timeouts_free(struct timeouts *timeouts)
{
	if (timeouts == NULL)
		return;
	for (size_t i = 0; i < timeouts->manifest_count; i++)
		manifest_done(&timeouts->manifests[i]);
	free(timeouts->manifests);
	free(timeouts->resolved);
	free(timeouts);
}

static struct manifest *find_manifest(struct timeouts *timeouts, const char *folder)
{
	for (size_t i = 0; i < timeouts->manifest_count; i++) {
		if (strcmp(timeouts->manifests[i].folder, folder) == 0)
			return &timeouts->manifests[i];
	}
	return NULL;
}

static enum status look_at(struct timeouts *timeouts, const char *folder)
{
	struct manifest *manifest = find_manifest(timeouts, folder);

	if (manifest == NULL && timeouts->manifest_count == LIMIT_MANIFESTS) {
		if (!timeouts->is_full)
			log_event(LOG_WARN, "timeouts.too_many_manifests", LOG_S("org", timeouts->tenant->org),
			          LOG_I("limit", LIMIT_MANIFESTS));
		timeouts->is_full = true;
		return STATUS_OK;
	}
	if (manifest == NULL) {
		manifest = &timeouts->manifests[timeouts->manifest_count];
		if (manifest_init(manifest, folder) != STATUS_OK)
			return STATUS_NO_MEMORY;
		timeouts->manifest_count++;
	}
	manifest->is_seen = true;
	return manifest_refresh(manifest, timeouts->tenant->templates_dir, timeouts->tenant->org);
}

/* Folders that are gone free their place. */
static void forget_unseen(struct timeouts *timeouts)
{
	size_t kept = 0;

	for (size_t i = 0; i < timeouts->manifest_count; i++) {
		if (timeouts->manifests[i].is_seen)
			timeouts->manifests[kept++] = timeouts->manifests[i];
		else
			manifest_done(&timeouts->manifests[i]);
	}
	timeouts->manifest_count = kept;
}

/* The entries of an open folder; names that start with a dot are nobody's template. */
static enum status look_at_all(struct timeouts *timeouts, DIR *dir)
{
	enum status status = STATUS_OK;
	const struct dirent *entry;

	for (size_t i = 0; i < timeouts->manifest_count; i++)
		timeouts->manifests[i].is_seen = false;
	while (status == STATUS_OK && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.')
			status = look_at(timeouts, entry->d_name);
	}
	if (status == STATUS_OK)
		forget_unseen(timeouts);
	return status;
}

static enum status scan(struct timeouts *timeouts)
{
	const char *path = timeouts->tenant->templates_dir;
	DIR *dir = opendir(path);
	enum status status;

	if (dir == NULL) {
		/* What was read before still holds: a folder that is away for a moment must not shorten a timeout. */
		if (!timeouts->is_folder_bad)
			log_event(LOG_WARN, "timeouts.templates_unreadable", LOG_S("org", timeouts->tenant->org),
			          LOG_S("path", path), LOG_S("reason", strerror(errno)));
		timeouts->is_folder_bad = true;
		return STATUS_OK;
	}
	timeouts->is_folder_bad = false;
	status = look_at_all(timeouts, dir);
	(void)closedir(dir);
	return status;
}

static struct runtime_timeout *find_resolved(struct timeouts *timeouts, size_t count, const char *runtime)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(timeouts->resolved[i].runtime, runtime) == 0)
			return &timeouts->resolved[i];
	}
	return NULL;
}

/* Manifests first, the largest of each runtime; then what the configuration says about the other runtimes. */
static size_t merge(struct timeouts *timeouts)
{
	const struct sweeper_config *config = timeouts->config;
	size_t count = 0;

	for (size_t i = 0; i < timeouts->manifest_count; i++) {
		const struct manifest *manifest = &timeouts->manifests[i];
		struct runtime_timeout *known;

		if (manifest->runtime == NULL)
			continue;
		known = find_resolved(timeouts, count, manifest->runtime);
		if (known == NULL)
			timeouts->resolved[count++] = (struct runtime_timeout){ manifest->runtime, manifest->timeout_s };
		else if (known->timeout_s < manifest->timeout_s)
			known->timeout_s = manifest->timeout_s;
	}
	for (size_t i = 0; i < config->timeouts.runtime_count; i++) {
		if (find_resolved(timeouts, count, config->timeouts.runtimes[i].runtime) == NULL)
			timeouts->resolved[count++] = config->timeouts.runtimes[i];
	}
	return count;
}

enum status timeouts_resolve(struct timeouts *timeouts, struct ledger_timeouts *ret_timeouts, struct err *err)
{
	const struct sweeper_config *config = timeouts->config;

	*ret_timeouts = (struct ledger_timeouts){ .default_s = config->timeouts.default_s,
	                                          .override_s = config->timeouts.override_s };
	if (config->timeouts.override_s != 0)
		return STATUS_OK;
	if (timeouts->tenant->templates_dir[0] != '\0' && scan(timeouts) != STATUS_OK)
		return err_set(err, STATUS_NO_MEMORY, "out of memory for the template manifests");
	ret_timeouts->runtimes = timeouts->resolved;
	ret_timeouts->runtime_count = merge(timeouts);
	return STATUS_OK;
}

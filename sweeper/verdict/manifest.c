#include "sweeper/verdict/manifest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/log.h"
#include "shared/yaml.h"

enum status manifest_init(struct manifest *manifest, const char *folder)
{
	*manifest = (struct manifest){ .folder = strdup(folder) };
	return manifest->folder == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

void manifest_done(struct manifest *manifest)
{
	free(manifest->folder);
	free(manifest->runtime);
	*manifest = (struct manifest){ .folder = NULL };
}

static void forget(struct manifest *manifest)
{
	free(manifest->runtime);
	manifest->runtime = NULL;
	manifest->timeout_s = 0;
	manifest->is_bad = false;
}

static bool is_same_version(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static enum status bad_node(const struct yaml *yaml, const struct yaml_node *node, const char *expected,
                            struct err *err)
{
	return err_set(err, STATUS_INVALID, "%s:%u:%u: expected %s", yaml_name(yaml), node->line, node->column, expected);
}

/* 0 says nothing, like an absent key; anything but a number of seconds is bad. */
static enum status read_timeout(struct manifest *manifest, const struct yaml *yaml, struct err *err)
{
	const struct yaml_node *root = yaml_root(yaml);
	const struct yaml_node *runtime = yaml_get(root, "runtime");
	const struct yaml_node *timeout = yaml_get(yaml_get(root, "runtime_config"), "provision_timeout_seconds");
	uint64_t seconds;

	if (root->kind != YAML_MAP)
		return bad_node(yaml, root, "keys and values", err);
	if (runtime == NULL || timeout == NULL)
		return STATUS_OK;
	if (runtime->kind != YAML_SCALAR || memchr(runtime->text.ptr, '\0', runtime->text.len) != NULL)
		return bad_node(yaml, runtime, "the name of a runtime", err);
	if (timeout->kind != YAML_SCALAR || !span_to_u64(timeout->text, &seconds) || seconds > LIMIT_MANIFEST_TIMEOUT_S)
		return bad_node(yaml, timeout, "a whole number of seconds, at most a year", err);
	if (seconds == 0 || runtime->text.len == 0)
		return STATUS_OK;
	manifest->runtime = strndup((const char *)runtime->text.ptr, runtime->text.len);
	manifest->timeout_s = (int64_t)seconds;
	return manifest->runtime == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

static enum status read_file(struct manifest *manifest, const char *path, struct err *err)
{
	struct yaml *yaml = NULL;
	enum status status = S_ISREG(manifest->version.st_mode) ?
		yaml_load(path, &yaml, err) : err_set(err, STATUS_INVALID, "%s: expected a regular file", path);

	if (status == STATUS_OK)
		status = read_timeout(manifest, yaml, err);
	yaml_drop(yaml);
	return status;
}

static void warn(struct manifest *manifest, const char *org, const struct err *err)
{
	manifest->is_bad = true;
	log_event(LOG_WARN, "timeouts.manifest_skipped", LOG_S("org", org), LOG_S("folder", manifest->folder),
	          LOG_S("reason", err->text));
}

static enum status refresh_from(struct manifest *manifest, const char *path, const struct stat *now, const char *org)
{
	struct err err = ERR_INIT;
	enum status status;

	if (manifest->is_known && is_same_version(now, &manifest->version))
		return STATUS_OK;
	forget(manifest);
	manifest->version = *now;
	status = read_file(manifest, path, &err);
	manifest->is_known = status != STATUS_NO_MEMORY;
	if (status == STATUS_NO_MEMORY)
		return status;
	if (status != STATUS_OK)
		warn(manifest, org, &err);
	return STATUS_OK;
}

enum status manifest_refresh(struct manifest *manifest, const char *templates_dir, const char *org)
{
	struct stat now;
	char path[LIMIT_PATH];
	int len = snprintf(path, sizeof path, "%s/%s/config.yaml", templates_dir, manifest->folder);

	if (len < 0 || (size_t)len >= sizeof path)
		errno = ENAMETOOLONG;
	else if (stat(path, &now) == 0)
		return refresh_from(manifest, path, &now, org);
	if (errno == ENOENT || errno == ENOTDIR) {
		forget(manifest);
	} else if (!manifest->is_bad) {
		struct err err = ERR_INIT;

		forget(manifest);
		(void)err_set_errno(&err, "%s", path);
		warn(manifest, org, &err);
	}
	manifest->is_known = false;
	return STATUS_OK;
}

/*
 * manifest: one template's config.yaml, and what it says about its runtime's timeout.
 *
 * A file is read when it is new or has changed (device, inode, size, times of content and of inode), so that looking
 * again costs one stat(2). One that is bad is warned about once, until it changes.
 * Thread: one at a time.
 */
#ifndef RESCUE_SWEEPER_VERDICT_MANIFEST_H
#define RESCUE_SWEEPER_VERDICT_MANIFEST_H

#include <sys/stat.h>

#include "shared/span.h"
#include "shared/status.h"

struct manifest {
	char *folder;      /* below the templates folder */
	bool is_seen;      /* scratch of the owner's scan */
	bool is_known;     /* `version` and what follows hold */
	bool is_bad;
	struct stat version;
	char *runtime;     /* NULL: it says nothing about a timeout */
	int64_t timeout_s;
};

/* Takes a copy of the folder's name. STATUS_NO_MEMORY. */
enum status manifest_init(struct manifest *manifest, const char *folder);
/* Safe on a zeroed struct. */
void manifest_done(struct manifest *manifest);

/*
 * Brings it up to date. A folder without config.yaml is no template and says nothing. Only STATUS_NO_MEMORY fails.
 * `org` is for the warning.
 */
enum status manifest_refresh(struct manifest *manifest, const char *templates_dir, const char *org);

#endif

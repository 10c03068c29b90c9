#include "agent/uploader.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/commands.h"
#include "agent/credential.h"
#include "agent/run.h"
#include "agent/sandbox/sandbox.h"
#include "agent/supervisor.h"
#include "shared/fetch.h"
#include "shared/file.h"
#include "shared/log.h"
#include "shared/stop.h"

enum { IDENTITY_FILES = 3 };

/* For names (the C library, and where distributions let resolv.conf point to) and random numbers. */
static const char *const system_paths[] = {
	"/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/services",
	"/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager", "/dev/random", "/dev/urandom", "/dev/null",
};

/*
 * The folder of an identity's file, so that enrolment and other programs may replace files in it. A folder that holds
 * other things is not opened for the sake of one file.
 */
static bool folder_of(const char *path, char ret_folder[static LIMIT_PATH])
{
	static const char *const shared_folders[] = { "", "/etc", "/run", "/var", "/var/lib", "/tmp", "/home", "/root",
	                                              "/configs", "/usr", "/opt", "/srv", "/proc", "/dev", "/boot" };
	const char *slash = strrchr(path, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - path);

	if (len >= LIMIT_PATH)
		return false;
	memcpy(ret_folder, path, len);
	ret_folder[len] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(shared_folders); i++) {
		if (strcmp(ret_folder, shared_folders[i]) == 0)
			return false;
	}
	return true;
}

static void confine(const struct agent_config *config)
{
	static char folders[IDENTITY_FILES][LIMIT_PATH];
	const char *const files[IDENTITY_FILES] = { config->identity.cert, config->identity.key, config->identity.ca };
	struct sandbox_paths paths = { .readable = { NULL } };
	size_t readable = 0, writable = 0;

	for (size_t i = 0; i < ARRAY_LEN(system_paths); i++)
		paths.readable[readable++] = system_paths[i];
	for (size_t i = 0; i < IDENTITY_FILES; i++) {
		paths.readable[readable++] = files[i];
		if (folder_of(files[i], folders[i]))
			paths.writable[writable++] = folders[i];
	}
	paths.writable[writable++] = config->spool_dir;
#ifdef RESCUE_FAILPOINTS
	paths.writable[writable++] = getenv("RESCUE_FAILPOINTS");
#endif
	sandbox_enter(SANDBOX_UPLOADER, &paths);
}

/* It may be the kernel's log, which is for the workers (doorkeeper.c). */
static void drop_input(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || dup2(fd, STDIN_FILENO) != STDIN_FILENO)
		(void)close(STDIN_FILENO);
	if (fd > STDIN_FILENO)
		(void)close(fd);
}

int uploader_run(const struct agent_config *config, int control)
{
	struct err err = ERR_INIT;
	enum status status;

	/* What is not there yet cannot be let in. run.c tells what is wrong with it. */
	if (file_make_dirs(config->spool_dir, 0700, &err) != STATUS_OK)
		log_event(LOG_WARN, "spool.folder", LOG_S("error", err.text));
	if (config->identity.enroll && credential_make_folders(config, &err) != STATUS_OK)
		log_event(LOG_WARN, "identity.folder", LOG_S("error", err.text));
	drop_input();
	confine(config);
	status = stop_init(&err);
	if (status == STATUS_OK)
		status = fetch_global_init(&err);
	if (status == STATUS_OK)
		status = agent_run(config, control, &err);
	if (status != STATUS_OK)
		(void)fprintf(stderr, "rescue-agent: %s\n", err.text);
	if (sandbox_is_stale())
		return UPLOADER_RENEW;
	return status == STATUS_OK ? EXIT_DONE : EXIT_FAILED;
}

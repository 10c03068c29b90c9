#include "agent/sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/sandbox/filter.h"
#include "agent/sandbox/kernel.h"
#include "agent/sandbox/landlock.h"
#include "shared/log.h"

#define CAPABILITY(number) (UINT64_C(1) << (number))

static const char *const role_names[] = { "supervisor", "reader", "relay", "uploader" };

/* What a path named when this process was confined; zero when there was nothing. */
struct watched {
	const char *path;
	dev_t dev;
	ino_t ino;
};

static char words[64] = "none";
static bool has_landlock;
static struct watched watched[2 * SANDBOX_PATHS_MAX];
static size_t watched_count;

/* Keeps of the capabilities that are there those in `kept`. Without any to lose it does nothing. */
static enum status keep_capabilities(uint64_t kept, struct err *err)
{
	struct cap_header header = { .version = CAP_VERSION };
	struct cap_sets sets[2];

	if (syscall(SYS_capget, &header, sets) != 0)
		return err_set_errno(err, "cannot ask for the capabilities");
	for (size_t i = 0; i < 2; i++) {
		sets[i].permitted &= (uint32_t)(kept >> (32 * i));
		sets[i].effective = sets[i].permitted;
		sets[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &header, sets) != 0)
		return err_set_errno(err, "cannot drop capabilities");
	return STATUS_OK;
}

static uint64_t kept_by(enum sandbox_role role)
{
	const uint64_t reading = CAPABILITY(CAPABILITY_DAC_READ_SEARCH);

	switch (role) {
	case SANDBOX_SUPERVISOR:
		/* Opening /proc/1/environ and /dev/kmsg takes one each. */
		return reading | CAPABILITY(CAPABILITY_SYS_PTRACE) | CAPABILITY(CAPABILITY_SYSLOG);
	case SANDBOX_READER:
		return reading;
	case SANDBOX_UPLOADER:
		/* Certificates may belong to another user. Without Landlock it would be a key to the whole box. */
		return has_landlock ? reading : 0;
	case SANDBOX_RELAY:
		break;
	}
	return 0;
}

static bool warn(enum sandbox_role role, enum status status, const struct err *err)
{
	if (status != STATUS_OK)
		log_event(LOG_WARN, "sandbox.partial", LOG_S("process", role_names[role]), LOG_S("error", err->text),
		          LOG_S("then", "it runs with what holds"));
	return status == STATUS_OK;
}

static void watch_paths(const char *const *paths)
{
	for (size_t i = 0; i < SANDBOX_PATHS_MAX && paths[i] != NULL; i++) {
		struct watched *path = &watched[watched_count++];
		struct stat info;

		path->path = paths[i];
		if (stat(paths[i], &info) == 0) {
			path->dev = info.st_dev;
			path->ino = info.st_ino;
		}
	}
}

bool sandbox_is_stale(void)
{
	for (size_t i = 0; has_landlock && i < watched_count; i++) {
		struct stat info;
		int fd;

		/* Landlock does not mind looking, only opening. */
		if (stat(watched[i].path, &info) != 0 ||
		    (info.st_dev == watched[i].dev && info.st_ino == watched[i].ino))
			continue;
		fd = open(watched[i].path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (fd < 0 && errno == EACCES)
			return true;
		if (fd >= 0)
			(void)close(fd);
	}
	return false;
}

static void set_words(bool has_filter)
{
	char landlock[24] = "no landlock";

	if (has_landlock)
		(void)snprintf(landlock, sizeof landlock, "landlock %d", landlock_abi());
	(void)snprintf(words, sizeof words, "%s, %s", has_filter ? "seccomp" : "no seccomp", landlock);
}

void sandbox_enter(enum sandbox_role role, const struct sandbox_paths *paths)
{
	struct err err = ERR_INIT;
	enum status status = STATUS_OK;
	bool has_filter;

	if (paths != NULL) {
		watch_paths(paths->readable);
		watch_paths(paths->writable);
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		status = err_set_errno(&err, "no PR_SET_NO_NEW_PRIVS");
	(void)warn(role, status, &err);
	if (role != SANDBOX_SUPERVISOR)
		has_landlock = warn(role, landlock_confine(role, paths, &err), &err);
	(void)warn(role, keep_capabilities(kept_by(role), &err), &err);
	/* The ABI is asked for before the filter forbids it. */
	set_words(true);
	has_filter = warn(role, filter_install(role, &err), &err);
	if (!has_filter)
		set_words(false);
	log_event(LOG_DEBUG, "sandbox.entered", LOG_S("process", role_names[role]), LOG_S("holds", words));
}

const char *sandbox_words(void)
{
	return words;
}

int sandbox_landlock_abi(void)
{
	return landlock_abi();
}

bool sandbox_has_landlock(void)
{
	return has_landlock;
}

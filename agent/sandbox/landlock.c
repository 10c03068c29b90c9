#include "agent/sandbox/landlock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/sandbox/kernel.h"

enum {
	READ_FOLDER = LANDLOCK_READ_FILE | LANDLOCK_READ_DIR,
	WRITE_FOLDER = READ_FOLDER | LANDLOCK_WRITE_FILE | LANDLOCK_TRUNCATE | LANDLOCK_MAKE_FILE | LANDLOCK_MAKE_DIR |
	               LANDLOCK_REMOVE_FILE,
	/* The only rights that a rule on a file may have. */
	FILE_RIGHTS = LANDLOCK_EXECUTE | LANDLOCK_READ_FILE | LANDLOCK_WRITE_FILE | LANDLOCK_TRUNCATE,
};

int landlock_abi(void)
{
	long abi = syscall(CALL_LANDLOCK_CREATE, NULL, 0, LANDLOCK_GIVE_VERSION);

	return abi > 0 ? (int)abi : 0;
}

static uint64_t handled_by(int abi)
{
	uint64_t handled = LANDLOCK_ALL_ABI_1;

	if (abi >= 2)
		handled |= LANDLOCK_REFER;
	if (abi >= 3)
		handled |= LANDLOCK_TRUNCATE;
	if (abi >= 5)
		handled |= LANDLOCK_IOCTL_DEV;
	return handled;
}

/* What is not there cannot be let in, and needs not be. */
static enum status let_in(int ruleset, const char *path, uint64_t rights, struct err *err)
{
	struct landlock_beneath rule = { .parent_fd = open(path, O_PATH | O_CLOEXEC) };
	enum status status = STATUS_OK;
	struct stat info;

	if (rule.parent_fd < 0)
		return STATUS_OK;
	if (fstat(rule.parent_fd, &info) == 0) {
		rule.allowed = S_ISDIR(info.st_mode) ? rights : rights & FILE_RIGHTS;
		if (syscall(CALL_LANDLOCK_ADD, ruleset, LANDLOCK_BENEATH, &rule, 0) != 0)
			status = err_set_errno(err, "no Landlock rule for %s", path);
	}
	(void)close(rule.parent_fd);
	return status;
}

static enum status let_in_all(int ruleset, const char *const *paths, uint64_t rights, struct err *err)
{
	enum status status = STATUS_OK;

	for (size_t i = 0; i < SANDBOX_PATHS_MAX && paths[i] != NULL && status == STATUS_OK; i++)
		status = let_in(ruleset, paths[i], rights, err);
	return status;
}

static enum status add_rules(int ruleset, enum sandbox_role role, const struct sandbox_paths *paths, uint64_t handled,
                             struct err *err)
{
	enum status status = STATUS_OK;

	if (role == SANDBOX_READER)
		return let_in(ruleset, "/", READ_FOLDER, err);
	if (paths != NULL)
		status = let_in_all(ruleset, paths->readable, READ_FOLDER, err);
	if (status == STATUS_OK && paths != NULL)
		status = let_in_all(ruleset, paths->writable, WRITE_FOLDER & handled, err);
	return status;
}

enum status landlock_confine(enum sandbox_role role, const struct sandbox_paths *paths, struct err *err)
{
	int abi = landlock_abi();
	struct landlock_ruleset attributes = { .handled_fs = handled_by(abi) };
	enum status status;
	int ruleset;

	if (abi == 0)
		return err_set(err, STATUS_SYSTEM, "no Landlock");
	if (abi >= 4)
		attributes.handled_net = role == SANDBOX_UPLOADER ? LANDLOCK_BIND_TCP :
		                                                    LANDLOCK_BIND_TCP | LANDLOCK_CONNECT_TCP;
	if (abi >= 6)
		attributes.scoped = LANDLOCK_ABSTRACT_SOCKETS | LANDLOCK_SIGNALS;
	ruleset = (int)syscall(CALL_LANDLOCK_CREATE, &attributes, sizeof attributes, 0);
	if (ruleset < 0)
		return err_set_errno(err, "no Landlock ruleset");
	status = add_rules(ruleset, role, paths, attributes.handled_fs, err);
	if (status == STATUS_OK && syscall(CALL_LANDLOCK_ENTER, ruleset, 0) != 0)
		status = err_set_errno(err, "Landlock does not confine");
	(void)close(ruleset);
	return status;
}

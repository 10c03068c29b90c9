#include "agent/doorkeeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "agent/collect/known_metadata.h"
#include "agent/relay.h"
#include "agent/sandbox/sandbox.h"
#include "shared/fetch.h"
#include "shared/file.h"
#include "shared/role_credentials.h"

static void close_if(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

pid_t doorkeeper_fork(void)
{
	sigset_t blocked;
	pid_t parent = getpid();
	pid_t child = fork();

	if (child != 0)
		return child;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent)
		_exit(1);
	(void)sigemptyset(&blocked);
	(void)sigaddset(&blocked, SIGTERM);
	(void)sigaddset(&blocked, SIGINT);
	(void)sigaddset(&blocked, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &blocked, NULL);
	return 0;
}

/* Gives the end of the caller; the helper runs with the other one and none of the caller's own. */
static pid_t start_helper(const struct agent_config *config, void (*run)(const struct agent_config *config, int door),
                          int type, const int *not_for_it, size_t count, int *ret_door)
{
	int ends[2];
	pid_t child;

	*ret_door = -1;
	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) != 0)
		return -1;
	child = doorkeeper_fork();
	if (child == 0) {
		(void)close(ends[0]);
		for (size_t i = 0; i < count; i++)
			close_if(not_for_it[i]);
		run(config, ends[1]);
		_exit(0);
	}
	(void)close(ends[1]);
	if (child > 0)
		*ret_door = ends[0];
	else
		(void)close(ends[0]);
	return child;
}

/* In the helper. It writes into a socket's buffer, which takes all of it. */
static void ask_metadata(const struct agent_config *config, int door)
{
	static const struct sandbox_paths paths = {
		.readable = { "/etc/hosts", "/etc/resolv.conf", "/dev/random", "/dev/urandom" },
	};
	struct doors_metadata head = { .status = STATUS_OK };
	struct buf answer = BUF_INIT(sizeof head + LIMIT_METADATA_ANSWER);
	struct buf document = BUF_INIT(LIMIT_METADATA_ANSWER);
	ssize_t put;

	sandbox_enter(SANDBOX_UPLOADER, &paths);
	head.status = fetch_global_init(&head.err);
	if (head.status == STATUS_OK)
		head.status = role_credentials_fetch(config->redaction.metadata, &document, &head.err);
	buf_append(&answer, &head, sizeof head);
	buf_append_span(&answer, buf_span(&document));
	put = send(door, answer.ptr, answer.len, MSG_NOSIGNAL);
	(void)put; /* the other end notices what is missing */
	buf_wipe(&document);
	buf_wipe(&answer);
}

/*
 * It takes CAP_SYS_PTRACE, which the systemd unit does not give: there the first process is systemd itself, whose
 * variables are nobody's configuration, and an empty file stands for them.
 */
static int open_environ(void)
{
	BUF_AUTO name = BUF_INIT(LIMIT_ERROR_TEXT);
	int fd = open("/proc/1/environ", O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno == EACCES && file_read("/proc/1/comm", &name, NULL) == STATUS_OK &&
	    span_eq(buf_span(&name), SPAN_LIT("systemd\n")))
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return fd;
}

/* It takes CAP_SYSLOG; the systemd unit gives it as standard input instead. */
static int open_kmsg(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat info;

	if (fd >= 0 || fstat(STDIN_FILENO, &info) != 0 || !S_ISCHR(info.st_mode) || info.st_rdev != makedev(1, 11))
		return fd;
	fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	/* Captures share the place in it. */
	if (fd >= 0 && (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || lseek(fd, 0, SEEK_SET) != 0)) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

enum status doorkeeper_open(const struct agent_config *config, const int *not_for_them, size_t count,
                            struct doorkeeper *ret_keeper, struct err *err)
{
	struct doors *doors = &ret_keeper->doors;

	*ret_keeper = (struct doorkeeper){ .doors = DOORS_NONE, .relay = -1, .metadata = -1 };
	ret_keeper->relay = start_helper(config, relay_run, SOCK_SEQPACKET, not_for_them, count, &doors->engine);
	if (doors->engine < 0)
		return err_set_errno(err, "cannot start the process that speaks to the Engine");
	if (known_has_metadata(config->root, config->redaction.metadata)) {
		ret_keeper->metadata = start_helper(config, ask_metadata, SOCK_STREAM, not_for_them, count,
		                                    &doors->metadata);
		/* Without a door the confined process asks by itself, in vain, and says so. */
	}
	/* Files of this machine's own kernel: another root has none. */
	if (strcmp(config->root, "/") == 0) {
		doors->environ = open_environ();
		doors->kmsg = open_kmsg();
	}
	return STATUS_OK;
}

void doorkeeper_close(struct doorkeeper *keeper)
{
	close_if(keeper->doors.engine);
	close_if(keeper->doors.metadata);
	close_if(keeper->doors.environ);
	close_if(keeper->doors.kmsg);
	keeper->doors = DOORS_NONE;
}

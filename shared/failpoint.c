#include "shared/failpoint.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "shared/limits.h"

enum { ORDER_SIZE = 64, ACTION_SIZE = 16 };

struct armed {
	char path[LIMIT_PATH];
	char action[ACTION_SIZE];
	int skip, ms;
};

static bool read_armed(const char *name, const char *of, struct armed *ret_armed)
{
	const char *folder = getenv("RESCUE_FAILPOINTS");
	char text[ORDER_SIZE];
	ssize_t got;
	int fd;

	if (folder == NULL ||
	    (size_t)snprintf(ret_armed->path, sizeof ret_armed->path, "%s/%s%s", folder, name, of) >=
	    sizeof ret_armed->path)
		return false;
	fd = open(ret_armed->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	got = read(fd, text, sizeof text - 1);
	(void)close(fd);
	text[got < 0 ? 0 : got] = '\0';
	ret_armed->skip = ret_armed->ms = 0;
	return sscanf(text, "%15s %d %d", ret_armed->action, &ret_armed->skip, &ret_armed->ms) >= 1;
}

static void pass(const struct armed *armed)
{
	int fd = open(armed->path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)dprintf(fd, "%s %d %d\n", armed->action, armed->skip - 1, armed->ms);
	(void)close(fd);
}

static void act(const struct armed *armed)
{
	struct timespec nap = { .tv_sec = armed->ms / 1000, .tv_nsec = armed->ms % 1000 * 1000000L };

	if (strcmp(armed->action, "kill") == 0)
		/* Of all ways to signal, a confined process has this one left, and only to itself. */
		(void)syscall(SYS_tgkill, getpid(), gettid(), SIGKILL);
	(void)nanosleep(&nap, NULL);
}

bool failpoint_reach(const char *name, const char *of)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct armed armed;
	bool fails, acts = false;

	(void)pthread_mutex_lock(&lock);
	if (!read_armed(name, of, &armed)) {
		(void)pthread_mutex_unlock(&lock);
		return false;
	}
	fails = strcmp(armed.action, "fail") == 0;
	if (!fails && armed.skip > 0)
		pass(&armed);
	else if (!fails)
		acts = unlink(armed.path) == 0;
	(void)pthread_mutex_unlock(&lock);
	if (acts)
		act(&armed);
	return fails;
}

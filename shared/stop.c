#include "shared/stop.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "shared/clock.h"

static int wanted_fd = -1;
static int reload_fd = -1;

static void raise_fd(int fd)
{
	uint64_t one = 1;
	ssize_t put = write(fd, &one, sizeof one);

	/* A full counter is still readable, which is all that matters. */
	(void)put;
}

static void *watch_signals(void *unused)
{
	sigset_t watched;

	(void)unused;
	(void)sigemptyset(&watched);
	(void)sigaddset(&watched, SIGTERM);
	(void)sigaddset(&watched, SIGINT);
	(void)sigaddset(&watched, SIGHUP);
	for (;;) {
		int number;

		if (sigwait(&watched, &number) != 0)
			continue;
		raise_fd(number == SIGHUP ? reload_fd : wanted_fd);
	}
	return NULL;
}

enum status stop_init(struct err *err)
{
	sigset_t blocked;
	pthread_attr_t attr;
	pthread_t watcher;
	int failed;

	wanted_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	reload_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wanted_fd < 0 || reload_fd < 0)
		return err_set_errno(err, "cannot make an eventfd");
	(void)sigemptyset(&blocked);
	(void)sigaddset(&blocked, SIGTERM);
	(void)sigaddset(&blocked, SIGINT);
	(void)sigaddset(&blocked, SIGHUP);
	/* A peer that went away is an error from write, not the end of the process. */
	(void)signal(SIGPIPE, SIG_IGN);
	failed = pthread_sigmask(SIG_BLOCK, &blocked, NULL);
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	(void)pthread_attr_setstacksize(&attr, 65536);
	if (failed == 0)
		failed = pthread_create(&watcher, &attr, watch_signals, NULL);
	(void)pthread_attr_destroy(&attr);
	if (failed != 0) {
		errno = failed;
		return err_set_errno(err, "cannot watch for signals");
	}
	return STATUS_OK;
}

int stop_fd(void)
{
	return wanted_fd;
}

int stop_reload_fd(void)
{
	return reload_fd;
}

bool stop_wanted(void)
{
	struct pollfd watch = { .fd = wanted_fd, .events = POLLIN };

	return wanted_fd >= 0 && poll(&watch, 1, 0) == 1;
}

void stop_request(void)
{
	raise_fd(wanted_fd);
}

void stop_request_reload(void)
{
	raise_fd(reload_fd);
}

bool stop_take_reload(void)
{
	uint64_t count;

	return reload_fd >= 0 && read(reload_fd, &count, sizeof count) == (ssize_t)sizeof count;
}

enum status stop_sleep_ms(uint64_t ms)
{
	int64_t deadline = clock_mono_ms() + (int64_t)ms;

	for (;;) {
		struct pollfd watch = { .fd = wanted_fd, .events = POLLIN };
		int64_t left = deadline - clock_mono_ms();

		if (left < 0)
			left = 0;
		if (poll(&watch, 1, left > 3600000 ? 3600000 : (int)left) > 0)
			return STATUS_STOPPED;
		if (clock_mono_ms() >= deadline)
			return STATUS_OK;
	}
}

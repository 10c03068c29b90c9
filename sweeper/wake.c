#include "sweeper/wake.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/stop.h"

enum { LONGEST_POLL_MS = 3600 * 1000 };

enum status wake_init(struct wake *wake, struct err *err)
{
	wake->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return wake->fd < 0 ? err_set_errno(err, "cannot make an eventfd") : STATUS_OK;
}

void wake_done(struct wake *wake)
{
	if (wake->fd >= 0)
		(void)close(wake->fd);
	wake->fd = -1;
}

void wake_raise(struct wake *wake)
{
	uint64_t one = 1;
	ssize_t put = write(wake->fd, &one, sizeof one);

	/* A full counter wakes just as well. */
	(void)put;
}

enum status wake_wait(struct wake *wake, uint64_t ms)
{
	int64_t deadline = clock_mono_ms() + (int64_t)ms;

	for (;;) {
		struct pollfd watch[] = { { .fd = wake->fd, .events = POLLIN }, { .fd = stop_fd(), .events = POLLIN } };
		int64_t left = deadline - clock_mono_ms();
		uint64_t count;

		if (left < 0)
			left = 0;
		(void)poll(watch, 2, left > LONGEST_POLL_MS ? LONGEST_POLL_MS : (int)left);
		if (watch[1].revents != 0)
			return STATUS_STOPPED;
		if (watch[0].revents != 0 && read(wake->fd, &count, sizeof count) == (ssize_t)sizeof count)
			return STATUS_OK;
		if (clock_mono_ms() >= deadline)
			return STATUS_TIMEOUT;
	}
}

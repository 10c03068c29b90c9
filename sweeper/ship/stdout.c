/*
 * stdout: the sink that prints each record as one line, for whatever reads the sweeper's standard output (Vector,
 * Fluent Bit, journald). Lines are whole: several tenants' threads take turns.
 *
 * A reader that does not read holds back this sink alone, never a stop of the process.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/stop.h"
#include "sweeper/ship/sink.h"

enum {
	PATIENCE_MS = 5000,      /* for a reader that does not read */
	STOP_PATIENCE_MS = 1000, /* to end a begun line when the process shall stop */
	POLL_MS = 100,
};

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

/* Waits until a write of at most PIPE_BUF bytes does not block (poll(2), pipe(7)). */
static enum status wait_writable(bool in_line, struct err *err)
{
	int64_t begin_mono_ms = clock_mono_ms();

	for (;;) {
		struct pollfd watch = { .fd = STDOUT_FILENO, .events = POLLOUT };
		int64_t waited_ms;

		if (poll(&watch, 1, POLL_MS) > 0)
			return STATUS_OK; /* or broken, which the write will tell */
		waited_ms = clock_mono_ms() - begin_mono_ms;
		if (stop_wanted() && (!in_line || waited_ms >= STOP_PATIENCE_MS))
			return err_set(err, STATUS_STOPPED, "stopped while standard output was not read");
		if (waited_ms >= PATIENCE_MS)
			return err_set(err, STATUS_TIMEOUT, "standard output is not read");
	}
}

static enum status write_bytes(struct span bytes, bool *in_line, struct err *err)
{
	while (bytes.len > 0) {
		size_t step = bytes.len < PIPE_BUF ? bytes.len : PIPE_BUF;
		enum status status = wait_writable(*in_line, err);
		ssize_t put;

		if (status != STATUS_OK)
			return status;
		put = write(STDOUT_FILENO, bytes.ptr, step);
		if (put < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (put < 0)
			return err_set_errno(err, "cannot write to standard output");
		*in_line = true;
		bytes = span_sub(bytes, (size_t)put, bytes.len);
	}
	return STATUS_OK;
}

/* A line that was begun and could not be ended is ended before the next one, so that only that one is damaged. */
static enum status write_line(struct span line, struct err *err)
{
	static bool is_torn;
	bool in_line = is_torn;
	enum status status = STATUS_OK;

	if (is_torn)
		status = write_bytes(SPAN_LIT("\n"), &in_line, err);
	if (status != STATUS_OK)
		return status;
	in_line = false;
	status = write_bytes(line, &in_line, err);
	if (status == STATUS_OK)
		status = write_bytes(SPAN_LIT("\n"), &in_line, err);
	is_torn = status != STATUS_OK && in_line;
	return status;
}

static enum status stdout_make(const struct sink_options *options, void **ret_sink, struct err *err)
{
	(void)options;
	(void)err;
	*ret_sink = NULL;
	return STATUS_OK;
}

static void stdout_free(void *sink)
{
	(void)sink;
}

static void stdout_ship(void *sink, struct lease *lease, struct cargo **cargos, size_t count)
{
	struct err err = ERR_INIT;
	enum status status = STATUS_OK;

	(void)sink;
	for (size_t i = 0; i < count; i++) {
		struct cargo *cargo = cargos[i];

		cargo_begin(cargo);
		if (status == STATUS_OK)
			status = lease_keep(lease, &err);
		(void)pthread_mutex_lock(&turn);
		for (size_t j = 0; j < cargo->entry_count && status == STATUS_OK && !cargo->is_lost; j++)
			status = write_line(cargo->entries[j].line, &err);
		(void)pthread_mutex_unlock(&turn);
		(void)cargo_finish(cargo, status, "%s", err.text);
	}
}

const struct sink_ops stdout_sink = { .make = stdout_make, .free = stdout_free, .ship = stdout_ship };

#include <errno.h>
#include <poll.h>

#include "shared/clock.h"
#include "sweeper/ledger/internal.h"

/* Hands out what has come in. True when there was anything. */
static bool give_notices(struct connection *connection, ledger_each_notice *each, void *ctx)
{
	bool any = false;

	for (;;) {
		PGnotify *notice = PQnotifies(connection->pg);

		if (notice == NULL)
			return any;
		any = true;
		each(ctx, span_cstr(notice->extra));
		PQfreemem(notice);
	}
}

static enum status broken(struct connection *connection, struct err *err)
{
	connection_drop(connection);
	return err_set(err, STATUS_UNAVAILABLE, "the database connection broke while listening");
}

static enum status wait_for_notice(struct connection *connection, int64_t deadline_mono_ms, int wake_fd,
                                   ledger_each_notice *each, void *ctx, struct err *err)
{
	while (!give_notices(connection, each, ctx)) {
		/* poll(2) ignores a descriptor of -1. */
		struct pollfd watch[] = { { .fd = PQsocket(connection->pg), .events = POLLIN },
		                          { .fd = wake_fd, .events = POLLIN } };
		int64_t left_ms = deadline_mono_ms - clock_mono_ms();

		if (poll(watch, 2, left_ms > 0 ? (int)left_ms : 0) < 0 && errno != EINTR)
			return err_set_errno(err, "cannot wait for the database");
		if (watch[0].revents != 0 && !PQconsumeInput(connection->pg))
			return broken(connection, err);
		if (watch[0].revents != 0)
			continue;
		if (watch[1].revents != 0)
			return STATUS_STOPPED;
		if (left_ms <= 0)
			return STATUS_TIMEOUT;
	}
	return STATUS_OK;
}

enum status ledger_listen(struct ledger *ledger, int64_t timeout_ms, int wake_fd, ledger_each_notice *each, void *ctx,
                          struct err *err)
{
	struct connection *connection = &ledger->connection;
	enum status status = connection_ready(connection, err);

	if (status != STATUS_OK)
		return status;
	if (connection->is_listening)
		return wait_for_notice(connection, clock_mono_ms() + timeout_ms, wake_fd, each, ctx, err);
	status = connection_do(connection, SQL_LISTEN, err);
	if (status != STATUS_OK)
		return status;
	connection->is_listening = true;
	return STATUS_AGAIN;
}

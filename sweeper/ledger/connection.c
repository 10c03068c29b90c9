#include "sweeper/ledger/connection.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "shared/clock.h"
#include "shared/failpoint.h"
#include "sweeper/ledger/sqlstate.h"

enum {
	ANSWER_MS = 40 * 1000,        /* above the server's own statement timeout (session.sql) */
	MIGRATE_MS = 60 * 60 * 1000,
	NAME_MAX_BYTES = 512,         /* two quoted identifiers */
	STATEMENT_MAX_BYTES = 64 * 1024,
};

enum status connection_init(struct connection *connection, const char *database, const char *table)
{
	*connection = (struct connection){ .database = database };
	buf_init(&connection->workspaces, NAME_MAX_BYTES);
	buf_init(&connection->structure_events, NAME_MAX_BYTES);
	sql_quote_tables(table, &connection->workspaces, &connection->structure_events);
	if (buf_status(&connection->workspaces) != STATUS_OK)
		return buf_status(&connection->workspaces);
	return buf_status(&connection->structure_events);
}

void connection_done(struct connection *connection)
{
	connection_drop(connection);
	buf_done(&connection->workspaces);
	buf_done(&connection->structure_events);
}

void connection_drop(struct connection *connection)
{
	PQfinish(connection->pg);
	connection->pg = NULL;
	memset(connection->prepared, 0, sizeof connection->prepared);
	connection->has_structure_events = false;
	connection->is_listening = false;
}

/* libpq's own words about a connection, on one line. They name host, user and database. */
static enum status connection_failed(struct connection *connection, const char *what, struct err *err)
{
	const char *words = PQerrorMessage(connection->pg);
	const char *password = PQpass(connection->pg);
	char line[LIMIT_ERROR_TEXT / 2];
	size_t len = 0;

	if (password != NULL && password[0] != '\0' && strstr(words, password) != NULL)
		words = "(words withheld, they hold the password)";
	for (; words[len] != '\0' && len + 1 < sizeof line; len++)
		line[len] = words[len] == '\n' ? ' ' : words[len];
	while (len > 0 && line[len - 1] == ' ')
		len--;
	line[len] = '\0';
	(void)err_set(err, STATUS_UNAVAILABLE, "%s: %s", what, line);
	connection_drop(connection);
	return STATUS_UNAVAILABLE;
}

/* Waits until the next result is whole. */
static enum status await(struct connection *connection, int64_t deadline_mono_ms, struct err *err)
{
	for (;;) {
		int unsent = PQflush(connection->pg);
		struct pollfd watch = { .fd = PQsocket(connection->pg), .events = POLLIN };
		int64_t left_ms = deadline_mono_ms - clock_mono_ms();

		if (unsent < 0)
			return connection_failed(connection, "the database connection broke", err);
		if (unsent == 0 && !PQisBusy(connection->pg))
			return STATUS_OK;
		if (left_ms <= 0) {
			connection_drop(connection);
			return err_set(err, STATUS_UNAVAILABLE, "the database does not answer");
		}
		if (unsent > 0)
			watch.events |= POLLOUT;
		if (poll(&watch, 1, (int)left_ms) < 0 && errno != EINTR)
			return err_set_errno(err, "cannot wait for the database");
		if (watch.revents != 0 && (watch.revents & ~POLLOUT) != 0 && !PQconsumeInput(connection->pg))
			return connection_failed(connection, "the database connection broke", err);
	}
}

/*
 * What a failed statement means. The primary message of a class 22 error quotes the value that was sent, so
 * that one is not passed on.
 */
static enum status statement_failed(struct connection *connection, const char *name, const PGresult *result,
                                    struct err *err)
{
	const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *hint = sqlstate_hint(code);
	enum status status = sqlstate_status(code);

	if (code == NULL)
		return connection_failed(connection, "the database connection broke", err);
	if (strncmp(code, "22", 2) == 0 || primary == NULL)
		primary = "a value that the database does not take";
	(void)err_set(err, status, "database, statement %s: %s (%s)%s%s", name, primary, code,
	              hint[0] == '\0' ? "" : "; ", hint);
	if (sqlstate_drops(code))
		connection_drop(connection);
	return status;
}

/* Takes all results of what was sent: the first failure counts, else the last result. */
static enum status collect(struct connection *connection, const char *name, int64_t deadline_mono_ms,
                           struct rows *ret_rows, struct err *err)
{
	struct rows failed = { NULL };
	enum status status;

	for (;;) {
		PGresult *result;
		ExecStatusType kind;

		status = await(connection, deadline_mono_ms, err);
		if (status != STATUS_OK)
			break;
		result = PQgetResult(connection->pg);
		if (result == NULL)
			break;
		kind = PQresultStatus(result);
		rows_done(ret_rows);
		if (kind == PGRES_COMMAND_OK || kind == PGRES_TUPLES_OK || failed.result != NULL)
			ret_rows->result = result;
		else
			failed.result = result;
	}
	if (status == STATUS_OK && failed.result != NULL)
		status = statement_failed(connection, name, failed.result, err);
	rows_done(&failed);
	return status;
}

static enum status run_script(struct connection *connection, const char *name, const char *text, int64_t patience_ms,
                              struct err *err)
{
	ROWS_AUTO rows = { NULL };

	if (!PQsendQuery(connection->pg, text))
		return connection_failed(connection, "the database takes no statement", err);
	FAILPOINT_OF("sent", name);
	return collect(connection, name, clock_mono_ms() + patience_ms, &rows, err);
}

static enum status prepare(struct connection *connection, enum sql sql, const char *text, struct err *err)
{
	ROWS_AUTO rows = { NULL };
	enum status status;

	if (!PQsendPrepare(connection->pg, sql_name(sql), text, 0, NULL))
		return connection_failed(connection, "the database takes no statement", err);
	status = collect(connection, sql_name(sql), clock_mono_ms() + ANSWER_MS, &rows, err);
	connection->prepared[sql] = status == STATUS_OK;
	return status;
}

/* Needs an open connection; does not open one. */
static enum status run(struct connection *connection, enum sql sql, const struct params *params, struct rows *ret_rows,
                       struct err *err)
{
	BUF_AUTO text = BUF_INIT(STATEMENT_MAX_BYTES);
	enum status status = STATUS_OK;
	int sent;

	if (!connection->prepared[sql])
		sql_fill(sql, buf_cstr(&connection->workspaces), buf_cstr(&connection->structure_events), &text);
	if (buf_status(&text) != STATUS_OK)
		return err_set(err, buf_status(&text), "no room for statement %s", sql_name(sql));
	/* The first step of a migration waits for other replicas' migrations, an index for the table's size. */
	if (sql_mode(sql) == SQL_SCRIPT)
		return run_script(connection, sql_name(sql), buf_cstr(&text),
		                  sql == SQL_MIGRATE_BEGIN || sql == SQL_SWEEP_INDEX ? MIGRATE_MS : ANSWER_MS, err);
	if (sql_mode(sql) == SQL_PREPARED && !connection->prepared[sql])
		status = prepare(connection, sql, buf_cstr(&text), err);
	if (status != STATUS_OK)
		return status;
	if (sql_mode(sql) == SQL_PREPARED)
		sent = PQsendQueryPrepared(connection->pg, sql_name(sql), params->count, params->values, params->lengths,
		                           params->formats, 1);
	else
		sent = PQsendQueryParams(connection->pg, buf_cstr(&text), params->count, NULL, params->values,
		                         params->lengths, params->formats, 1);
	if (!sent)
		return connection_failed(connection, "the database takes no statement", err);
	FAILPOINT_OF("sent", sql_name(sql));
	status = collect(connection, sql_name(sql), clock_mono_ms() + ANSWER_MS, ret_rows, err);
	FAILPOINT_OF("done", sql_name(sql));
	return status;
}

static enum status prepare_session(struct connection *connection, struct err *err)
{
	static const struct params none = { .count = 0 };
	PARAMS_AUTO params = { .count = 0 };
	ROWS_AUTO rows = { NULL };
	enum status status = run(connection, SQL_SESSION, &none, &rows, err);

	params_cstr(&params, buf_cstr(&connection->structure_events));
	if (status == STATUS_OK)
		status = params_status(&params);
	if (status == STATUS_OK)
		status = run(connection, SQL_PROBE_STRUCTURE_EVENTS, &params, &rows, err);
	if (status == STATUS_OK)
		connection->has_structure_events = rows_int(&rows, 0, 0) != 0;
	return status;
}

/* What a server says beside its answers would stand between our log lines; errors reach us as results. */
static void ignore_notice(void *ctx, const PGresult *notice)
{
	(void)ctx;
	(void)notice;
}

/* What stands before `dbname` is a default that the connection string may override; what stands behind it holds. */
static enum status open_connection(struct connection *connection, struct err *err)
{
	static const char *const names[] = { "connect_timeout", "tcp_user_timeout", "keepalives_idle", "keepalives_interval",
	                                     "keepalives_count", "target_session_attrs", "fallback_application_name",
	                                     "dbname", "client_encoding", NULL };
	const char *const values[] = { "5", "20000", "30", "10", "3", "read-write", "rescue-sweeper", connection->database,
	                               "UTF8", NULL };
	PQconninfoOption *options = PQconninfoParse(connection->database, NULL);
	enum status status;

	/* libpq's words about a string that it cannot read quote parts of it, so they are not asked for. */
	if (options == NULL)
		return err_set(err, STATUS_INVALID, "the tenant's `database` is not a libpq connection string");
	PQconninfoFree(options);
	connection->pg = PQconnectdbParams(names, values, 1);
	if (connection->pg == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	if (PQstatus(connection->pg) != CONNECTION_OK || PQsetnonblocking(connection->pg, 1) != 0)
		return connection_failed(connection, "cannot connect to the database", err);
	(void)PQsetNoticeReceiver(connection->pg, ignore_notice, NULL);
	status = prepare_session(connection, err);
	if (status != STATUS_OK)
		connection_drop(connection);
	return status;
}

/*
 * A server that went away while the connection was idle has closed it, and that is readable without waiting; its
 * last words, or notifications, may stand before the end.
 */
static bool is_alive(struct connection *connection)
{
	struct pollfd watch = { .fd = PQsocket(connection->pg), .events = POLLIN };

	while (PQstatus(connection->pg) == CONNECTION_OK && poll(&watch, 1, 0) > 0) {
		if (!PQconsumeInput(connection->pg))
			return false;
	}
	return PQstatus(connection->pg) == CONNECTION_OK;
}

enum status connection_ready(struct connection *connection, struct err *err)
{
	if (connection->pg != NULL && !is_alive(connection))
		connection_drop(connection);
	return connection->pg != NULL ? STATUS_OK : open_connection(connection, err);
}

enum status connection_run(struct connection *connection, enum sql sql, const struct params *params,
                           struct rows *ret_rows, struct err *err)
{
	enum status status = params_status(params);

	if (status != STATUS_OK)
		return err_set(err, status, "a value that the database cannot hold, for statement %s", sql_name(sql));
	status = connection_ready(connection, err);
	return status == STATUS_OK ? run(connection, sql, params, ret_rows, err) : status;
}

enum status connection_do(struct connection *connection, enum sql sql, struct err *err)
{
	static const struct params none = { .count = 0 };
	ROWS_AUTO rows = { NULL };

	return connection_run(connection, sql, &none, &rows, err);
}

enum status connection_migrate(struct connection *connection, const char *script, struct err *err)
{
	return run_script(connection, "migration", script, MIGRATE_MS, err);
}

void connection_rollback(struct connection *connection)
{
	if (connection->pg != NULL && PQtransactionStatus(connection->pg) != PQTRANS_IDLE &&
	    connection_do(connection, SQL_ROLLBACK, NULL) != STATUS_OK)
		connection_drop(connection);
}

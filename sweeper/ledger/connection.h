/*
 * connection: one libpq connection, opened when it is needed and again after it broke. Only used inside ledger/.
 *
 * Every statement is bounded: by the server's statement and lock timeouts, and by a deadline here for a server
 * that does not answer at all. libpq's and PostgreSQL's errors become a status here:
 *   STATUS_UNAVAILABLE  not reachable, shutting down, overloaded, a lock not given in time, or the schema is not
 *                       what it should be; trying again later may help
 *   STATUS_NOT_FOUND    an id that cannot be one of the table's type (22P02)
 *   STATUS_INVALID      any other value that PostgreSQL does not take
 * The words hold no value that was sent, and never the password.
 * Thread: one at a time.
 */
#ifndef RESCUE_SWEEPER_LEDGER_CONNECTION_H
#define RESCUE_SWEEPER_LEDGER_CONNECTION_H

#include "sweeper/ledger/params.h"
#include "sweeper/ledger/rows.h"
#include "sweeper/ledger/sql.h"

struct connection {
	const char *database;       /* libpq connection string, borrowed */
	PGconn *pg;                 /* NULL until it is opened */
	struct buf workspaces;      /* quoted names of the platform's tables */
	struct buf structure_events;
	bool prepared[SQL_COUNT];   /* on this connection */
	bool has_structure_events;
	bool is_listening;
};

/* No I/O. `table` is the tenant's workspaces table. */
enum status connection_init(struct connection *connection, const char *database, const char *table);
void connection_done(struct connection *connection);

/* Makes sure that there is a connection that is not known to be broken. */
enum status connection_ready(struct connection *connection, struct err *err);

/* Forgets the connection; the next use opens a new one. */
void connection_drop(struct connection *connection);

/* Runs one statement. *ret_rows is freed by the caller (rows_done), also after a failure. */
enum status connection_run(struct connection *connection, enum sql sql, const struct params *params,
                           struct rows *ret_rows, struct err *err);

/* As connection_run, without parameters and answer. */
enum status connection_do(struct connection *connection, enum sql sql, struct err *err);

/* One step of the migrations, which may take long. */
enum status connection_migrate(struct connection *connection, const char *script, struct err *err);

/* Ends an open transaction after a failure, without words of its own. */
void connection_rollback(struct connection *connection);

#endif

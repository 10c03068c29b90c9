/*
 * ledger_database: a private PostgreSQL for tests of the ledger, with one database that has the platform's tables.
 * Needs PRIVATE_POSTGRES, the path of private_postgres.sh.
 */
#ifndef RESCUE_TESTS_UNIT_LEDGER_DATABASE_H
#define RESCUE_TESTS_UNIT_LEDGER_DATABASE_H

#include <libpq-fe.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "sweeper/ledger/ledger.h"

extern char **environ;

static char database_folder[] = "/tmp/rescue-pg-XXXXXX";
static char database_string[128];
static PGconn *database_admin;

static int database_command(const char *program, const char *first, const char *second)
{
	char *const argv[] = { (char *)(uintptr_t)program, (char *)(uintptr_t)first, (char *)(uintptr_t)second,
	                       NULL };
	int state = -1;
	pid_t pid;

	if (posix_spawnp(&pid, program, NULL, NULL, argv, environ) != 0 || waitpid(pid, &state, 0) != pid)
		return -1;
	return WIFEXITED(state) ? WEXITSTATUS(state) : -1;
}

/* Runs SQL on the test's own connection; the first value of the answer ("" without one), valid until the next call. */
static const char *database_sql(const char *sql)
{
	static char value[256];
	PGresult *result = PQexec(database_admin, sql);
	ExecStatusType kind = PQresultStatus(result);

	value[0] = '\0';
	if (kind == PGRES_TUPLES_OK && PQntuples(result) > 0)
		(void)snprintf(value, sizeof value, "%s", PQgetvalue(result, 0, 0));
	else if (kind != PGRES_TUPLES_OK && kind != PGRES_COMMAND_OK)
		(void)fprintf(stderr, "%s\n%s\n", sql, PQerrorMessage(database_admin));
	PQclear(result);
	return value;
}

static int database_start(void)
{
	static const char tables[] =
		"SET client_min_messages = warning;"
		"CREATE TABLE workspaces (id uuid PRIMARY KEY, status text, runtime text, instance_id text,"
		" last_sample_error text, updated_at timestamptz);"
		"CREATE TABLE structure_events (id uuid PRIMARY KEY, event_type text, workspace_id uuid, payload jsonb,"
		" created_at timestamptz)";

	if (mkdtemp(database_folder) == NULL || database_command(PRIVATE_POSTGRES, "start", database_folder) != 0)
		return -1;
	(void)snprintf(database_string, sizeof database_string, "host=%s user=postgres dbname=postgres", database_folder);
	database_admin = PQconnectdb(database_string);
	(void)database_sql(tables);
	return PQstatus(database_admin) == CONNECTION_OK ? 0 : -1;
}

static int database_stop(void)
{
	PQfinish(database_admin);
	(void)database_command(PRIVATE_POSTGRES, "stop", database_folder);
	return database_command("rm", "-rf", database_folder);
}

#endif

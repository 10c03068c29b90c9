/*
 * sweep_loop: the row-at-a-time loop that the sweep is measured against, as a platform would write it: read every row
 * that is provisioning, decide by its age in the program, and fail each overdue row in a transaction of its own with
 * its capture, event and notification. Statements are prepared, so that it is as fast as such a loop can be.
 *
 *   sweep_loop CONNECTION-STRING TIMEOUT-SECONDS     prints how many rows it failed
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_SIZE = 37 };

struct overdue {
	char (*ids)[ID_SIZE];
	size_t count, room;
};

static _Noreturn void die(PGconn *pg, const char *what)
{
	(void)fprintf(stderr, "sweep_loop: %s: %s", what, PQerrorMessage(pg));
	exit(1);
}

static void done(PGconn *pg, PGresult *result, const char *what)
{
	if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
		die(pg, what);
	PQclear(result);
}

static void add(struct overdue *overdue, const char *id)
{
	if (overdue->count == overdue->room) {
		overdue->room = overdue->room * 2 + 1000;
		overdue->ids = realloc(overdue->ids, overdue->room * sizeof *overdue->ids);
		if (overdue->ids == NULL)
			exit(1);
	}
	(void)snprintf(overdue->ids[overdue->count++], ID_SIZE, "%s", id);
}

/* Rows come one by one, so that memory does not decide the comparison. */
static void find_overdue(PGconn *pg, long timeout_s, struct overdue *overdue)
{
	PGresult *row;

	if (!PQsendQuery(pg, "SELECT id, runtime, extract(epoch FROM now() - updated_at)::bigint FROM workspaces"
	                     " WHERE status = 'provisioning'") || !PQsetSingleRowMode(pg))
		die(pg, "select");
	while ((row = PQgetResult(pg)) != NULL) {
		if (PQresultStatus(row) == PGRES_SINGLE_TUPLE && strtol(PQgetvalue(row, 0, 2), NULL, 10) > timeout_s)
			add(overdue, PQgetvalue(row, 0, 0));
		else if (PQresultStatus(row) != PGRES_SINGLE_TUPLE && PQresultStatus(row) != PGRES_TUPLES_OK)
			die(pg, "select");
		PQclear(row);
	}
}

static void prepare(PGconn *pg)
{
	static const char *const statements[][2] = {
		{ "flip", "UPDATE workspaces SET status = 'failed', last_sample_error = 'provisioning timed out',"
		          " updated_at = now() WHERE id = $1 AND status = 'provisioning'"
		          " AND updated_at < now() - make_interval(secs => $2::bigint)" },
		{ "capture", "INSERT INTO rescue.captures (capture_id, workspace_id, org, instance_id, reason, deadline_at,"
		             " grace_until) VALUES (gen_random_uuid(), $1, 'acme', 'i-1', 'provision_timeout_sweep',"
		             " now() + interval '45 s', now() + interval '1 day')" },
		{ "event", "INSERT INTO structure_events (event_type, workspace_id, payload)"
		           " VALUES ('WORKSPACE_PROVISION_FAILED', $1, '{\"source\": \"provision_timeout_sweep\"}')" },
		{ "notify", "SELECT pg_notify('rescue_orders', $1)" },
	};

	for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++)
		done(pg, PQprepare(pg, statements[i][0], statements[i][1], 0, NULL), "prepare");
}

static int fail_one(PGconn *pg, const char *id, const char *timeout)
{
	const char *const values[] = { id, timeout };
	PGresult *flipped;
	int count;

	done(pg, PQexec(pg, "BEGIN"), "begin");
	flipped = PQexecPrepared(pg, "flip", 2, values, NULL, NULL, 0);
	count = atoi(PQcmdTuples(flipped));
	done(pg, flipped, "flip");
	if (count == 1) {
		done(pg, PQexecPrepared(pg, "capture", 1, values, NULL, NULL, 0), "capture");
		done(pg, PQexecPrepared(pg, "event", 1, values, NULL, NULL, 0), "event");
		done(pg, PQexecPrepared(pg, "notify", 1, values, NULL, NULL, 0), "notify");
	}
	done(pg, PQexec(pg, "COMMIT"), "commit");
	return count;
}

int main(int argc, char **argv)
{
	PGconn *pg = PQconnectdb(argc == 3 ? argv[1] : "");
	struct overdue overdue = { NULL, 0, 0 };
	int flipped = 0;

	if (argc != 3 || PQstatus(pg) != CONNECTION_OK)
		die(pg, "cannot connect");
	prepare(pg);
	find_overdue(pg, strtol(argv[2], NULL, 10), &overdue);
	for (size_t i = 0; i < overdue.count; i++)
		flipped += fail_one(pg, overdue.ids[i], argv[2]);
	(void)printf("%d\n", flipped);
	PQfinish(pg);
	free(overdue.ids);
	return 0;
}

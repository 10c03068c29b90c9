/*
 * ledger_fixture: a migrated database with empty tables and a ledger for each test, and rows to work on.
 */
#ifndef RESCUE_TESTS_UNIT_LEDGER_FIXTURE_H
#define RESCUE_TESTS_UNIT_LEDGER_FIXTURE_H

#include "ledger_database.h"
#include "shared/log.h"

/* Workspaces that tests speak of. */
#define BOX "11111111-1111-4111-8111-111111111111"
#define OTHER_BOX "22222222-2222-4222-8222-222222222222"
#define NO_BOX "99999999-9999-4999-8999-999999999999"

static char fixture_org[] = "acme";
static char fixture_table[] = "public.workspaces";
static char fixture_channel[] = "rescue_events";
static char fixture_url[] = "http://127.0.0.1:1/";
static struct sweeper_config config = {
	.capture = { .deadline_s = 45, .grace_h = 24 },
	.events = { .structure_events = true, .notify_channel = fixture_channel, .webhook_url = fixture_url },
};
static struct tenant_config tenant = { .org = fixture_org, .database = database_string,
                                       .workspaces_table = fixture_table };
static struct ledger *ledger;
static struct err err;

static int fixture_start(void **state)
{
	(void)state;
	log_set_level(LOG_ERROR + 1);
	return database_start();
}

static int fixture_stop(void **state)
{
	(void)state;
	return database_stop();
}

static int fixture_setup(void **state)
{
	(void)state;
	(void)database_sql("TRUNCATE workspaces, structure_events; DROP SCHEMA IF EXISTS rescue CASCADE");
	err = (struct err)ERR_INIT;
	if (ledger_new(&config, &tenant, &ledger) != STATUS_OK)
		return -1;
	return ledger_migrate(ledger, &err) == STATUS_OK ? 0 : -1;
}

static int fixture_teardown(void **state)
{
	(void)state;
	ledger_free(ledger);
	ledger = NULL;
	return 0;
}

static void fixture_add(const char *workspace_id, const char *status, const char *instance_id)
{
	char sql[256];

	(void)snprintf(sql, sizeof sql, "INSERT INTO workspaces (id, status, instance_id, updated_at) VALUES ('%s', '%s',"
	               " '%s', now() - interval '700 seconds')", workspace_id, status, instance_id);
	(void)database_sql(sql);
}

/* Fails the workspace as the control plane does, and gives the capture's id. */
static const char *fixture_order(const char *workspace_id, const char *instance_id)
{
	static struct ledger_verdict verdict;

	fixture_add(workspace_id, "provisioning", instance_id);
	if (ledger_bootstrap_failed(ledger, span_cstr(workspace_id), SPAN_LIT("no"), SPAN_LIT(""), &verdict, &err) !=
	    STATUS_OK)
		return "";
	return verdict.capture_id;
}

/* The state and a few facts of a capture as the ledger gives them. */
static void fixture_copy(void *ctx, const struct ledger_capture *capture)
{
	struct ledger_capture *copy = ctx;

	*copy = *capture;
	copy->shipped_to = strcmp(capture->shipped_to, "") == 0 ? "" : "some";
	copy->last_error = strcmp(capture->last_error, "") == 0 ? "" : "some";
}

static inline struct ledger_capture fixture_get(const char *capture_id)
{
	struct ledger_capture capture = { .capture_id = "" };
	enum status status = ledger_get_capture(ledger, span_cstr(capture_id), false, fixture_copy, &capture, &err);

	return status == STATUS_OK ? capture : (struct ledger_capture){ .capture_id = "" };
}

#endif

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ledger_fixture.h"

static const struct ledger_timeouts timeouts = { .default_s = 600 };

static void count_verdict(void *ctx, const struct ledger_verdict *verdict)
{
	assert_int_equal(verdict->timeout_s, 600);
	assert_int_equal(verdict->reason, REASON_SWEEP);
	++*(int *)ctx;
}

static void ledger_sweeps_in_batches_until_nothing_is_left(void **state)
{
	int seen = 0;
	int64_t count;

	(void)state;
	(void)database_sql("INSERT INTO workspaces (id, status, updated_at) SELECT gen_random_uuid(), 'provisioning',"
	                   " now() - interval '700 seconds' FROM generate_series(1, 25)");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ledger_sweep(ledger, &timeouts, 10, count_verdict, &seen, &count, &err), STATUS_OK);
		assert_int_equal(count, i < 2 ? 10 : 5);
	}
	assert_int_equal(seen, 25);
	assert_string_equal(database_sql("SELECT count(*) FROM structure_events"), "25");
}

static void ledger_gives_one_bootstrap_verdict_a_workspace(void **state)
{
	struct ledger_verdict verdict;

	(void)state;
	fixture_add(BOX, "provisioning", "i-1");
	assert_int_equal(ledger_bootstrap_failed(ledger, SPAN_LIT(BOX), SPAN_LIT("it \"broke\"\n"), SPAN_LIT("tail"), &verdict,
	                                         &err), STATUS_OK);
	assert_string_equal(verdict.workspace_id, BOX);
	assert_string_equal(verdict.instance_id, "i-1");
	assert_int_equal(verdict.reason, REASON_BOOTSTRAP);
	assert_string_equal(database_sql("SELECT last_sample_error FROM workspaces"), "it \"broke\"\n");
	assert_string_equal(database_sql("SELECT payload->>'error' FROM structure_events"), "it \"broke\"\n");
	assert_int_equal(ledger_bootstrap_failed(ledger, SPAN_LIT(BOX), SPAN_LIT("again"), SPAN_LIT(""), &verdict, &err),
	                 STATUS_CONFLICT);
	assert_int_equal(ledger_bootstrap_failed(ledger, SPAN_LIT(NO_BOX), SPAN_LIT("x"), SPAN_LIT(""), &verdict, &err),
	                 STATUS_NOT_FOUND);
	assert_int_equal(ledger_bootstrap_failed(ledger, SPAN_LIT("no-uuid"), SPAN_LIT("x"), SPAN_LIT(""), &verdict, &err),
	                 STATUS_NOT_FOUND);
	assert_string_equal(database_sql("SELECT count(*) FROM rescue.captures"), "1");
}

static void ledger_tells_an_agent_what_to_do(void **state)
{
	static const struct {
		const char *status;
		enum ledger_next next;
	} cases[] = {
		{ "provisioning", LEDGER_WAIT }, { "failed", LEDGER_WAIT }, { "awaiting_agent", LEDGER_WAIT },
		{ "online", LEDGER_STAND_DOWN }, { "removed", LEDGER_STAND_DOWN }, { "paused", LEDGER_STAND_DOWN },
	};
	enum ledger_next next;
	struct order order;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		(void)database_sql("TRUNCATE workspaces");
		fixture_add(BOX, cases[i].status, "i-1");
		assert_int_equal(ledger_next_order(ledger, SPAN_LIT(BOX), &next, &order, &err), STATUS_OK);
		assert_int_equal(next, cases[i].next);
	}
	(void)database_sql("UPDATE workspaces SET status = NULL");
	assert_int_equal(ledger_next_order(ledger, SPAN_LIT(BOX), &next, &order, &err), STATUS_OK);
	assert_int_equal(next, LEDGER_WAIT);
	assert_int_equal(ledger_next_order(ledger, SPAN_LIT("no-uuid"), &next, &order, &err), STATUS_OK);
	assert_int_equal(next, LEDGER_STAND_DOWN);
}

static void ledger_waits_a_quarter_of_an_hour_for_a_row_to_come(void **state)
{
	enum ledger_next next;
	struct order order;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ledger_next_order(ledger, SPAN_LIT(NO_BOX), &next, &order, &err), STATUS_OK);
		assert_int_equal(next, LEDGER_WAIT);
	}
	assert_string_equal(database_sql("SELECT count(*) FROM rescue.identities WHERE workspace_id = '" NO_BOX "'"), "1");
	(void)database_sql("UPDATE rescue.identities SET first_seen_at = now() - interval '14 minutes'");
	assert_int_equal(ledger_next_order(ledger, SPAN_LIT(NO_BOX), &next, &order, &err), STATUS_OK);
	assert_int_equal(next, LEDGER_WAIT);
	(void)database_sql("UPDATE rescue.identities SET first_seen_at = now() - interval '16 minutes'");
	assert_int_equal(ledger_next_order(ledger, SPAN_LIT(NO_BOX), &next, &order, &err), STATUS_OK);
	assert_int_equal(next, LEDGER_STAND_DOWN);
}

static void ledger_gives_an_open_order_whatever_the_row_says(void **state)
{
	const char *capture_id = fixture_order(BOX, "i-1");
	enum ledger_next next;
	struct order order;

	(void)state;
	(void)database_sql("UPDATE workspaces SET status = 'online'");
	assert_int_equal(ledger_next_order(ledger, SPAN_LIT(BOX), &next, &order, &err), STATUS_OK);
	assert_int_equal(next, LEDGER_ORDER);
	assert_string_equal(order.capture_id, capture_id);
	assert_string_equal(order.workspace_id, BOX);
	assert_int_equal(order.reason, REASON_BOOTSTRAP);
	assert_int_equal(order.deadline_s, 45);
	assert_true(order.grace_until_ns == fixture_get(capture_id).grace_until_ns && order.grace_until_ns > 0);
	(void)database_sql("UPDATE rescue.captures SET state = 'unreachable'");
	assert_int_equal(ledger_next_order(ledger, SPAN_LIT(BOX), &next, &order, &err), STATUS_OK);
	assert_int_equal(next, LEDGER_ORDER);
	(void)database_sql("UPDATE rescue.captures SET grace_until = now()");
	assert_int_equal(ledger_next_order(ledger, SPAN_LIT(BOX), &next, &order, &err), STATUS_OK);
	assert_int_equal(next, LEDGER_STAND_DOWN);
}

static void ledger_gives_no_order_to_another_workspace(void **state)
{
	enum ledger_next next;
	struct order order;

	(void)state;
	(void)fixture_order(BOX, "i-1");
	fixture_add(OTHER_BOX, "provisioning", "i-2");
	assert_int_equal(ledger_next_order(ledger, SPAN_LIT(OTHER_BOX), &next, &order, &err), STATUS_OK);
	assert_int_equal(next, LEDGER_WAIT);
}

static void keep_last_order(void *ctx, const struct order *order)
{
	struct {
		int count;
		char last[CAPTURE_ID_SIZE];
	} *seen = ctx;

	seen->count++;
	memcpy(seen->last, order->capture_id, sizeof seen->last);
}

static void ledger_lists_open_orders_with_the_unreachable_behind(void **state)
{
	struct {
		int count;
		char last[CAPTURE_ID_SIZE];
	} seen = { 0, "" };
	char first[CAPTURE_ID_SIZE];

	(void)state;
	(void)snprintf(first, sizeof first, "%s", fixture_order(BOX, "i-1"));
	(void)database_sql("UPDATE rescue.captures SET state = 'unreachable'");
	(void)fixture_order(OTHER_BOX, "i-2");
	assert_int_equal(ledger_open_orders(ledger, keep_last_order, &seen, &err), STATUS_OK);
	assert_int_equal(seen.count, 2);
	assert_string_equal(seen.last, first);
	(void)database_sql("UPDATE rescue.captures SET state = 'received' WHERE state = 'ordered'");
	seen.count = 0;
	assert_int_equal(ledger_open_orders(ledger, keep_last_order, &seen, &err), STATUS_OK);
	assert_int_equal(seen.count, 1);
}

static void note_workspace(void *ctx, struct span workspace_id)
{
	assert_true(span_eq(workspace_id, SPAN_LIT(BOX)));
	++*(int *)ctx;
}

static void ledger_hears_of_new_orders(void **state)
{
	struct ledger *listener;
	int heard = 0;
	int wake[2];

	(void)state;
	assert_int_equal(pipe(wake), 0);
	assert_int_equal(ledger_new(&config, &tenant, &listener), STATUS_OK);
	assert_int_equal(ledger_listen(listener, 0, -1, note_workspace, &heard, &err), STATUS_AGAIN);
	assert_int_equal(ledger_listen(listener, 0, -1, note_workspace, &heard, &err), STATUS_TIMEOUT);
	(void)fixture_order(BOX, "i-1");
	assert_int_equal(ledger_listen(listener, 30000, -1, note_workspace, &heard, &err), STATUS_OK);
	assert_int_equal(heard, 1);
	assert_int_equal(write(wake[1], "x", 1), 1);
	assert_int_equal(ledger_listen(listener, 30000, wake[0], note_workspace, &heard, &err), STATUS_STOPPED);
	/* What was said while nobody listened is lost, so the first call on a new connection says: look at the table. */
	(void)database_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%LISTEN%'"
	                   " AND pid <> pg_backend_pid()");
	while (ledger_listen(listener, 30000, -1, note_workspace, &heard, &err) != STATUS_AGAIN)
		;
	assert_int_equal(heard, 1);
	ledger_free(listener);
	(void)close(wake[0]);
	(void)close(wake[1]);
}

static void ledger_does_not_notify_of_a_verdict_that_changed_nothing(void **state)
{
	struct ledger_verdict verdict;
	struct ledger *listener;
	int heard = 0;

	(void)state;
	assert_int_equal(ledger_new(&config, &tenant, &listener), STATUS_OK);
	fixture_add(BOX, "online", "i-1");
	assert_int_equal(ledger_listen(listener, 0, -1, note_workspace, &heard, &err), STATUS_AGAIN);
	assert_int_equal(ledger_bootstrap_failed(ledger, SPAN_LIT(BOX), SPAN_LIT("x"), SPAN_LIT(""), &verdict, &err),
	                 STATUS_CONFLICT);
	(void)database_sql("NOTIFY rescue_orders, '" BOX "'");
	assert_int_equal(ledger_listen(listener, 30000, -1, note_workspace, &heard, &err), STATUS_OK);
	assert_int_equal(heard, 1);
	ledger_free(listener);
}

static void ledger_opens_a_new_connection_after_its_own_was_ended(void **state)
{
	(void)state;
	assert_int_equal(ledger_ping(ledger, &err), STATUS_OK);
	(void)database_sql("SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity"
	                   " WHERE application_name = 'rescue-sweeper'");
	assert_int_equal(ledger_ping(ledger, &err), STATUS_OK);
	assert_int_equal(ledger_check_schema(ledger, &err), STATUS_OK);
}

static void ledger_names_what_is_wrong_with_a_database_without_its_password(void **state)
{
	static const struct {
		const char *database;
		enum status status;
	} cases[] = {
		{ "host=/nonexistent user=postgres password=hush-hush dbname=postgres", STATUS_UNAVAILABLE },
		{ "postgresql://u:hush-hush@127.0.0.1:1/x", STATUS_UNAVAILABLE },
		{ "host=/nonexistent hush-hush", STATUS_INVALID },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[128];
		struct tenant_config wrong = tenant;
		struct ledger *broken;

		(void)snprintf(text, sizeof text, "%s", cases[i].database);
		wrong.database = text;
		assert_int_equal(ledger_new(&config, &wrong, &broken), STATUS_OK);
		assert_int_equal(ledger_ping(broken, &err), cases[i].status);
		assert_string_not_equal(err.text, "");
		assert_null(strstr(err.text, "hush-hush"));
		assert_null(strchr(err.text, '\n'));
		ledger_free(broken);
	}
}

static const struct tls_ticket_key *key_that_began(const struct ledger_ticket_keys *keys, int64_t ago_ms)
{
	for (size_t i = 0; i < keys->count; i++) {
		int64_t age_ms = keys->now_ms - ago_ms - keys->keys[i].begin_ms;

		if (age_ms >= 0 && age_ms < 1000 * (int64_t)LIMIT_TICKET_PERIOD_S)
			return &keys->keys[i];
	}
	return NULL;
}

static void ledger_shares_ticket_keys_and_turns_them(void **state)
{
	const int64_t period_ms = 1000 * (int64_t)LIMIT_TICKET_PERIOD_S;
	struct ledger_ticket_keys first, again, later, much_later;
	struct ledger *replica = NULL;
	const struct tls_ticket_key *now;

	(void)state;
	assert_int_equal(ledger_ticket_keys(ledger, &first, &err), STATUS_OK);
	assert_int_equal(first.count, 2);
	now = key_that_began(&first, 0);
	assert_non_null(now);
	assert_non_null(key_that_began(&first, -period_ms));
	assert_int_equal(now->end_ms, now->begin_ms + 2 * period_ms);
	assert_memory_not_equal(first.keys[0].secret, first.keys[1].secret, sizeof first.keys[0].secret);

	assert_int_equal(ledger_new(&config, &tenant, &replica), STATUS_OK);
	assert_int_equal(ledger_ticket_keys(replica, &again, &err), STATUS_OK);
	assert_memory_equal(first.keys, again.keys, sizeof first.keys);

	(void)database_sql("UPDATE rescue.ticket_keys SET begins_at = begins_at - interval '12 hours'");
	assert_int_equal(ledger_ticket_keys(replica, &later, &err), STATUS_OK);
	assert_int_equal(later.count, 3);
	assert_memory_equal(key_that_began(&later, period_ms)->secret, now->secret, sizeof now->secret);

	(void)database_sql("UPDATE rescue.ticket_keys SET begins_at = begins_at - interval '36 hours'");
	assert_int_equal(ledger_ticket_keys(ledger, &much_later, &err), STATUS_OK);
	assert_int_equal(much_later.count, 2);
	for (size_t i = 0; i < 2; i++) {
		for (size_t k = 0; k < later.count; k++)
			assert_memory_not_equal(much_later.keys[i].secret, later.keys[k].secret, sizeof later.keys[k].secret);
	}
	ledger_free(replica);
}

static void ledger_asks_for_migrate_when_the_schema_is_not_there(void **state)
{
	struct ledger_capture unused;

	(void)state;
	(void)database_sql("DROP SCHEMA rescue CASCADE");
	assert_int_equal(ledger_check_schema(ledger, &err), STATUS_INVALID);
	assert_non_null(strstr(err.text, "rescue-sweeper migrate"));
	assert_int_equal(ledger_list_captures(ledger, SPAN_LIT(""), 10, fixture_copy, &unused, &err), STATUS_UNAVAILABLE);
	assert_non_null(strstr(err.text, "rescue-sweeper migrate"));
	assert_int_equal(ledger_migrate(ledger, &err), STATUS_OK);
	assert_int_equal(ledger_check_schema(ledger, &err), STATUS_OK);
}

static void ledger_leaves_a_failed_migration_undone(void **state)
{
	(void)state;
	(void)database_sql("DROP SCHEMA rescue CASCADE; CREATE SCHEMA rescue; CREATE TABLE rescue.identities ()");
	assert_int_not_equal(ledger_migrate(ledger, &err), STATUS_OK);
	assert_string_equal(database_sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'rescue'"), "1");
	(void)database_sql("DROP TABLE rescue.identities");
	assert_int_equal(ledger_migrate(ledger, &err), STATUS_OK);
}

static void ledger_refuses_a_newer_schema(void **state)
{
	(void)state;
	(void)database_sql("INSERT INTO rescue.schema_version (version) VALUES (1000)");
	assert_int_equal(ledger_migrate(ledger, &err), STATUS_INVALID);
	assert_non_null(strstr(err.text, "version 1000"));
	assert_int_equal(ledger_check_schema(ledger, &err), STATUS_INVALID);
}

static void count_event(void *ctx, const struct ledger_event *event)
{
	char *event_id = ctx;

	assert_true(span_find(event->json, SPAN_LIT("\"WORKSPACE_PROVISION_FAILED\""), 0) < event->json.len);
	assert_true(span_find(event->json, SPAN_LIT(BOX), 0) < event->json.len);
	(void)snprintf(event_id, CAPTURE_ID_SIZE, "%s", event->event_id);
}

static const char *claim_event(const char *owner)
{
	static char event_id[CAPTURE_ID_SIZE];

	event_id[0] = '\0';
	assert_int_equal(ledger_claim_events(ledger, owner, 30, 10, count_event, event_id, &err), STATUS_OK);
	return event_id;
}

static void ledger_gives_an_event_out_until_it_is_done(void **state)
{
	char event_id[CAPTURE_ID_SIZE];

	(void)state;
	(void)fixture_order(BOX, "i-1");
	(void)snprintf(event_id, sizeof event_id, "%s", claim_event("a"));
	assert_string_not_equal(event_id, "");
	assert_string_equal(claim_event("b"), "");
	assert_int_equal(ledger_event_later(ledger, event_id, 60000, "500", &err), STATUS_OK);
	assert_string_equal(claim_event("b"), "");
	(void)database_sql("UPDATE rescue.events SET next_attempt_at = now()");
	assert_string_equal(claim_event("b"), event_id);
	(void)database_sql("UPDATE rescue.events SET lease_until = now()");
	assert_string_equal(claim_event("a"), event_id);
	assert_int_equal(ledger_event_done(ledger, event_id, &err), STATUS_OK);
	(void)database_sql("UPDATE rescue.events SET lease_until = NULL");
	assert_string_equal(claim_event("a"), "");
	assert_string_equal(database_sql("SELECT attempts FROM rescue.events"), "1");
}

static void ledger_forgets_what_nobody_has_asked_for(void **state)
{
	(void)state;
	(void)database_sql("INSERT INTO rescue.identities (workspace_id, first_seen_at, last_seen_at, not_after) VALUES"
	                   " ('gone', now() - interval '9 days', now() - interval '8 days', NULL),"
	                   " ('ended', now() - interval '9 days', now() - interval '8 days', now() - interval '1 day'),"
	                   " ('certified', now() - interval '9 days', now() - interval '8 days', now() + interval '1 day'),"
	                   " ('asking', now() - interval '9 days', now() - interval '6 days', NULL)");
	(void)fixture_order(BOX, "i-1");
	(void)database_sql("INSERT INTO rescue.events SELECT gen_random_uuid(), workspace_id, capture_id, org, event_type,"
	                   " payload, created_at, now() - make_interval(days => days) FROM rescue.events, (VALUES (6), (8))"
	                   " AS old (days)");
	assert_int_equal(ledger_forget(ledger, 7 * 24 * 3600, 1, &err), STATUS_OK);
	assert_string_equal(database_sql("SELECT count(*) FROM rescue.identities"), "3");
	assert_int_equal(ledger_forget(ledger, 7 * 24 * 3600, 10, &err), STATUS_OK);
	assert_string_equal(database_sql("SELECT string_agg(workspace_id, ' ' ORDER BY workspace_id) FROM rescue.identities"),
	                    "asking certified");
	/* One is still to be delivered, one was six days ago. */
	assert_string_equal(database_sql("SELECT count(*) FROM rescue.events"), "2");
	assert_string_equal(database_sql("SELECT count(*) FROM rescue.events WHERE delivered_at < now() - interval '7 days'"),
	                    "0");
	assert_string_equal(database_sql("SELECT count(*) FROM rescue.captures"), "1");
}

#define EACH(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(ledger_sweeps_in_batches_until_nothing_is_left),
		EACH(ledger_gives_one_bootstrap_verdict_a_workspace),
		EACH(ledger_tells_an_agent_what_to_do),
		EACH(ledger_waits_a_quarter_of_an_hour_for_a_row_to_come),
		EACH(ledger_gives_an_open_order_whatever_the_row_says),
		EACH(ledger_gives_no_order_to_another_workspace),
		EACH(ledger_lists_open_orders_with_the_unreachable_behind),
		EACH(ledger_hears_of_new_orders),
		EACH(ledger_does_not_notify_of_a_verdict_that_changed_nothing),
		EACH(ledger_opens_a_new_connection_after_its_own_was_ended),
		EACH(ledger_names_what_is_wrong_with_a_database_without_its_password),
		EACH(ledger_shares_ticket_keys_and_turns_them),
		EACH(ledger_asks_for_migrate_when_the_schema_is_not_there),
		EACH(ledger_leaves_a_failed_migration_undone),
		EACH(ledger_refuses_a_newer_schema),
		EACH(ledger_gives_an_event_out_until_it_is_done),
		EACH(ledger_forgets_what_nobody_has_asked_for),
	};

	return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}

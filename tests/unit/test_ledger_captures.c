#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ledger_fixture.h"

static int64_t after_ms;

/* All byte values, so that a text encoding on the way would show. */
static uint8_t bundle_bytes[1024];

static struct span bundle(void)
{
	for (size_t i = 0; i < sizeof bundle_bytes; i++)
		bundle_bytes[i] = (uint8_t)i;
	return span_of(bundle_bytes, sizeof bundle_bytes);
}

static enum status store(const char *capture_id, const char *workspace_id, const char *sha256, bool *ret_same)
{
	return ledger_store_bundle(ledger, span_cstr(capture_id), span_cstr(workspace_id), sha256, bundle(), ret_same, &err);
}

/* One capture at a time; what the lease did not hold for is a conflict. */
static enum status sink_done(const char *capture_id, const char *owner, const char *sink)
{
	struct ledger_noted noted = { .capture_id = capture_id };
	enum status status = ledger_sink_done(ledger, &noted, 1, owner, sink, &err);

	return status == STATUS_OK && !noted.is_noted ? STATUS_CONFLICT : status;
}

static enum status shipped(const char *capture_id, const char *owner, int64_t *ret_after_ms)
{
	struct ledger_noted noted = { .capture_id = capture_id };
	enum status status = ledger_shipped(ledger, &noted, 1, owner, &err);

	*ret_after_ms = noted.after_ms;
	return status == STATUS_OK && !noted.is_noted ? STATUS_CONFLICT : status;
}

static void expect_bundle(void *ctx, const struct ledger_capture *capture)
{
	++*(int *)ctx;
	assert_true(span_eq(capture->bundle, bundle()));
}

static void ledger_keeps_a_bundle_byte_for_byte(void **state)
{
	const char *capture_id = fixture_order(BOX, "i-1");
	struct ledger_capture capture;
	bool same;
	int seen = 0;

	(void)state;
	assert_int_equal(store(capture_id, BOX, "aa", &same), STATUS_OK);
	assert_int_equal(ledger_get_capture(ledger, span_cstr(capture_id), true, expect_bundle, &seen, &err), STATUS_OK);
	assert_int_equal(seen, 1);
	capture = fixture_get(capture_id);
	assert_int_equal(capture.state, CAPTURE_RECEIVED);
	assert_true(capture.received_ns > 0 && capture.received_ns >= capture.requested_ns);
	assert_int_equal(capture.bundle.len, 0);
	assert_string_equal(capture.bundle_sha256, "aa");
	assert_string_equal(capture.instance_id, "i-1");
}

static void ledger_tells_the_same_bundle_from_another(void **state)
{
	const char *capture_id = fixture_order(BOX, "i-1");
	bool same;

	(void)state;
	assert_int_equal(store(capture_id, BOX, "aa", &same), STATUS_OK);
	assert_int_equal(store(capture_id, BOX, "aa", &same), STATUS_CONFLICT);
	assert_true(same);
	assert_int_equal(store(capture_id, BOX, "bb", &same), STATUS_CONFLICT);
	assert_false(same);
	assert_string_equal(database_sql("SELECT bundle_sha256 FROM rescue.captures"), "aa");
}

static void ledger_stores_nothing_for_another_workspace_or_capture(void **state)
{
	const char *capture_id = fixture_order(BOX, "i-1");
	bool same;

	(void)state;
	assert_int_equal(store(capture_id, OTHER_BOX, "aa", &same), STATUS_NOT_FOUND);
	assert_int_equal(store(NO_BOX, BOX, "aa", &same), STATUS_NOT_FOUND);
	assert_int_equal(store("not-an-id", BOX, "aa", &same), STATUS_NOT_FOUND);
	assert_int_equal(fixture_get(capture_id).state, CAPTURE_ORDERED);
	assert_string_equal(fixture_get("not-an-id").capture_id, "");
	assert_string_equal(fixture_get(NO_BOX).capture_id, "");
}

static enum status make_record(void *ctx, const struct ledger_capture *capture, struct buf *ret_bundle_gzip)
{
	if (strcmp(capture->workspace_id, OTHER_BOX) == 0)
		return STATUS_WITHHELD;
	++*(int *)ctx;
	buf_append_cstr(ret_bundle_gzip, "record");
	return STATUS_OK;
}

static int64_t mark(int *made)
{
	int64_t count = -1;

	assert_int_equal(ledger_mark_unreachable(ledger, 10, make_record, made, &count, &err), STATUS_OK);
	return count;
}

static void ledger_marks_what_no_agent_came_for(void **state)
{
	const char *capture_id = fixture_order(BOX, "i-1");
	int made = 0;

	(void)state;
	assert_int_equal(mark(&made), 0);
	(void)database_sql("UPDATE rescue.captures SET deadline_at = now()");
	assert_int_equal(mark(&made), 1);
	assert_int_equal(made, 1);
	assert_int_equal(fixture_get(capture_id).state, CAPTURE_UNREACHABLE);
	assert_string_equal(database_sql("SELECT convert_from(bundle, 'UTF8') FROM rescue.captures"), "record");
	assert_int_equal(mark(&made), 0);
}

static void ledger_marks_a_row_without_instance_at_once_and_still_orders_it(void **state)
{
	enum ledger_next next;
	struct order order;
	int made = 0;

	(void)state;
	(void)fixture_order(BOX, "");
	assert_int_equal(mark(&made), 1);
	assert_int_equal(ledger_next_order(ledger, SPAN_LIT(BOX), &next, &order, &err), STATUS_OK);
	assert_int_equal(next, LEDGER_ORDER);
	assert_string_equal(database_sql("SELECT count(*) FROM rescue.retention"), "0");
}

static void ledger_gives_a_delivered_order_more_time(void **state)
{
	const char *capture_id = fixture_order(BOX, "i-1");
	struct ledger_capture before, after;

	(void)state;
	before = fixture_get(capture_id);
	assert_int_equal(ledger_mark_delivered(ledger, span_cstr(capture_id), &err), STATUS_OK);
	after = fixture_get(capture_id);
	assert_true(after.delivered_ns > 0);
	assert_true(after.deadline_ns - after.delivered_ns == (2 * 45 + 60) * INT64_C(1000000000));
	assert_true(before.deadline_ns < after.deadline_ns);
	assert_int_equal(ledger_mark_delivered(ledger, span_cstr(capture_id), &err), STATUS_OK);
	assert_true(fixture_get(capture_id).deadline_ns == after.deadline_ns);
}

static void ledger_notes_many_deliveries_at_once(void **state)
{
	char ids[2 * CAPTURE_ID_SIZE];

	(void)state;
	(void)snprintf(ids, sizeof ids, "%s", fixture_order(BOX, "i-1"));
	ids[CAPTURE_ID_SIZE - 1] = ',';
	(void)snprintf(ids + CAPTURE_ID_SIZE, CAPTURE_ID_SIZE, "%s", fixture_order(OTHER_BOX, "i-2"));
	assert_int_equal(ledger_mark_delivered(ledger, span_cstr(ids), &err), STATUS_OK);
	assert_string_equal(database_sql("SELECT count(*) FROM rescue.captures WHERE delivered_at IS NOT NULL"), "2");
}

static void ledger_does_not_let_one_bad_record_hold_up_the_others(void **state)
{
	char other[CAPTURE_ID_SIZE];
	int made = 0;

	(void)state;
	(void)snprintf(other, sizeof other, "%s", fixture_order(OTHER_BOX, ""));
	(void)fixture_order(BOX, "");
	assert_int_equal(mark(&made), 1);
	assert_int_equal(fixture_get(other).state, CAPTURE_ORDERED);
}

static void count_claimed(void *ctx, const struct ledger_capture *capture)
{
	++*(int *)ctx;
	assert_true(capture->entry_base_ns > 0);
	assert_true(capture->bundle.len > 0);
}

static int claim_up_to(const char *owner, const char *usable_sinks, int64_t bytes)
{
	const struct ledger_claim claim = { .owner = owner,
		                            .lease_s = 30,
		                            .max = 10,
		                            .bytes = bytes,
		                            .usable_sinks = usable_sinks,
		                            .all_sinks = "loki,archive" };
	int count = 0;

	assert_int_equal(ledger_claim(ledger, &claim, count_claimed, &count, &err), STATUS_OK);
	return count;
}

static int claim_for(const char *owner, const char *usable_sinks)
{
	return claim_up_to(owner, usable_sinks, 1024 * 1024);
}

static int claim(const char *owner)
{
	return claim_for(owner, "loki,archive");
}

static void ledger_leases_a_bundle_to_one_owner(void **state)
{
	const char *capture_id = fixture_order(BOX, "i-1");
	int64_t base_ns, first_ns;
	bool same;

	(void)state;
	assert_int_equal(claim("a"), 0);
	assert_int_equal(store(capture_id, BOX, "aa", &same), STATUS_OK);
	assert_int_equal(claim("a"), 1);
	assert_int_equal(claim("b"), 0);
	/* An owner with empty hands finds again what it holds. */
	assert_int_equal(claim("a"), 1);
	first_ns = fixture_get(capture_id).entry_base_ns;
	assert_int_equal(ledger_renew(ledger, capture_id, "b", 30, &err), STATUS_CONFLICT);
	assert_int_equal(ledger_renew(ledger, capture_id, "a", 30, &err), STATUS_OK);
	(void)database_sql("UPDATE rescue.captures SET lease_until = now()");
	assert_int_equal(claim("b"), 1);
	assert_true(fixture_get(capture_id).entry_base_ns == first_ns);
	assert_int_equal(shipped(capture_id, "a", &after_ms), STATUS_CONFLICT);
	assert_int_equal(sink_done(capture_id, "a", "loki"), STATUS_CONFLICT);
	assert_int_equal(ledger_ship_later(ledger, capture_id, "a", 0, "x", true, &err), STATUS_CONFLICT);
	assert_int_equal(ledger_rebase(ledger, capture_id, "a", &base_ns, &err), STATUS_CONFLICT);
	assert_int_equal(ledger_rebase(ledger, capture_id, "b", &base_ns, &err), STATUS_OK);
	assert_true(base_ns > first_ns && fixture_get(capture_id).entry_base_ns == base_ns);
}

static void ledger_claims_no_more_than_there_is_room_for(void **state)
{
	char first[CAPTURE_ID_SIZE];
	const char *second;
	int64_t size;
	bool same;

	(void)state;
	(void)snprintf(first, sizeof first, "%s", fixture_order(BOX, "i-1"));
	second = fixture_order(OTHER_BOX, "i-2");
	assert_int_equal(store(first, BOX, "aa", &same), STATUS_OK);
	assert_int_equal(store(second, OTHER_BOX, "aa", &same), STATUS_OK);
	size = atoll(database_sql("SELECT max(octet_length(bundle)) FROM rescue.captures"));
	/* The one that goes beyond is given all the same, or a large one would never be shipped. */
	assert_int_equal(claim_up_to("a", "loki", 1), 1);
	assert_int_equal(claim_up_to("b", "loki", size), 1);
	(void)database_sql("UPDATE rescue.captures SET lease_until = now()");
	assert_int_equal(claim_up_to("c", "loki", size + 1), 2);
}

static void ledger_leaves_alone_what_only_a_resting_sink_lacks(void **state)
{
	const char *capture_id = fixture_order(BOX, "i-1");
	bool same;

	(void)state;
	assert_int_equal(store(capture_id, BOX, "aa", &same), STATUS_OK);
	assert_int_equal(claim_for("a", ""), 0);
	assert_int_equal(claim_for("a", "archive"), 1);
	assert_int_equal(sink_done(capture_id, "a", "archive"), STATUS_OK);
	/* Nothing was tried, so that nothing can be in a sink. */
	assert_int_equal(ledger_ship_later(ledger, capture_id, "a", 0, "loki rests", false, &err), STATUS_OK);
	assert_int_equal(fixture_get(capture_id).attempts, 0);
	assert_int_equal(claim_for("a", "archive"), 0);
	assert_int_equal(claim_for("a", "archive,loki"), 1);
	/* What all have and only the last note lacks is nobody's to wait for. */
	assert_int_equal(sink_done(capture_id, "a", "loki"), STATUS_OK);
	assert_int_equal(claim_for("a", ""), 1);
}

static void ledger_notes_each_sink_once_and_then_the_whole(void **state)
{
	const char *capture_id = fixture_order(BOX, "i-1");
	int64_t count, age_s;
	bool same;

	(void)state;
	assert_int_equal(store(capture_id, BOX, "aa", &same), STATUS_OK);
	assert_int_equal(ledger_backlog(ledger, &count, &age_s, &err), STATUS_OK);
	assert_int_equal(count, 1);
	(void)database_sql("UPDATE rescue.captures SET requested_at = now() - interval '90 seconds'");
	assert_int_equal(claim("a"), 1);
	for (int i = 0; i < 2; i++)
		assert_int_equal(sink_done(capture_id, "a", "loki"), STATUS_OK);
	assert_int_equal(sink_done(capture_id, "a", "archive"), STATUS_OK);
	assert_string_equal(database_sql("SELECT array_to_string(shipped_to, ',') FROM rescue.captures"), "loki,archive");
	assert_int_equal(shipped(capture_id, "a", &after_ms), STATUS_OK);
	assert_true(after_ms >= 90000);
	assert_int_equal(fixture_get(capture_id).state, CAPTURE_SHIPPED);
	assert_int_equal(claim("a"), 0);
	assert_int_equal(ledger_backlog(ledger, &count, &age_s, &err), STATUS_OK);
	assert_int_equal(count, 0);
	assert_int_equal(age_s, 0);
}

static void ledger_ships_again_on_retry_while_it_keeps_the_bundle(void **state)
{
	const char *capture_id = fixture_order(BOX, "i-1");
	char base[32];
	bool same;

	(void)state;
	assert_int_equal(store(capture_id, BOX, "aa", &same), STATUS_OK);
	assert_int_equal(claim("a"), 1);
	assert_int_equal(shipped(capture_id, "a", &after_ms), STATUS_OK);
	snprintf(base, sizeof base, "%s", database_sql("SELECT entry_base_ns FROM rescue.captures"));
	assert_int_equal(ledger_retry(ledger, span_cstr(capture_id), &err), STATUS_OK);
	assert_int_equal(fixture_get(capture_id).state, CAPTURE_RECEIVED);
	assert_int_equal(claim("a"), 1);
	assert_string_equal(database_sql("SELECT entry_base_ns FROM rescue.captures"), base);
	assert_int_equal(shipped(capture_id, "a", &after_ms), STATUS_OK);
	(void)database_sql("UPDATE rescue.captures SET bundle = NULL");
	assert_int_equal(ledger_retry(ledger, span_cstr(capture_id), &err), STATUS_CONFLICT);
	assert_int_equal(fixture_get(capture_id).state, CAPTURE_SHIPPED);
}

static void ledger_tries_later_until_the_grace_ends(void **state)
{
	const char *capture_id = fixture_order(BOX, "i-1");
	bool same;

	(void)state;
	assert_int_equal(store(capture_id, BOX, "aa", &same), STATUS_OK);
	assert_int_equal(claim("a"), 1);
	assert_int_equal(ledger_ship_later(ledger, capture_id, "a", 60000, "no route", true, &err), STATUS_OK);
	assert_int_equal(fixture_get(capture_id).attempts, 1);
	assert_string_equal(database_sql("SELECT last_error FROM rescue.captures"), "no route");
	assert_int_equal(claim("a"), 0);
	(void)database_sql("UPDATE rescue.captures SET next_attempt_at = now()");
	assert_int_equal(claim("a"), 1);
	(void)database_sql("UPDATE rescue.captures SET lease_until = now(), grace_until = now(), ship_until = now()");
	assert_int_equal(claim("a"), 0);
	assert_int_equal(ledger_retry(ledger, span_cstr(capture_id), &err), STATUS_OK);
	assert_int_equal(claim("a"), 1);
}

static void ledger_ships_a_record_for_a_refused_bundle_and_keeps_the_reason(void **state)
{
	const char *capture_id = fixture_order(BOX, "i-1");
	int made = 0;

	(void)state;
	assert_int_equal(ledger_refuse(ledger, span_cstr(capture_id), SPAN_LIT(BOX), "no verdict", &err), STATUS_OK);
	assert_int_equal(mark(&made), 0);
	(void)database_sql("UPDATE rescue.captures SET deadline_at = now()");
	assert_int_equal(mark(&made), 1);
	assert_int_equal(mark(&made), 0);
	assert_int_equal(claim("a"), 1);
	assert_int_equal(ledger_ship_later(ledger, capture_id, "a", 0, "loki is down", true, &err), STATUS_OK);
	assert_int_equal(claim("a"), 1);
	assert_int_equal(shipped(capture_id, "a", &after_ms), STATUS_OK);
	assert_int_equal(fixture_get(capture_id).state, CAPTURE_REFUSED);
	assert_string_equal(database_sql("SELECT last_error FROM rescue.captures"), "no verdict");
}

static void ledger_ships_a_late_bundle_anew(void **state)
{
	const char *capture_id = fixture_order(BOX, "");
	int64_t first_ns;
	int made = 0;
	bool same;

	(void)state;
	assert_int_equal(mark(&made), 1);
	assert_int_equal(claim("a"), 1);
	first_ns = fixture_get(capture_id).entry_base_ns;
	assert_int_equal(sink_done(capture_id, "a", "loki"), STATUS_OK);
	/* The bundle comes while its unreachable record is being shipped. */
	assert_int_equal(store(capture_id, BOX, "aa", &same), STATUS_OK);
	assert_int_equal(shipped(capture_id, "a", &after_ms), STATUS_CONFLICT);
	assert_string_equal(fixture_get(capture_id).shipped_to, "");
	assert_int_equal(claim("b"), 1);
	assert_true(fixture_get(capture_id).entry_base_ns > first_ns);
	assert_int_equal(shipped(capture_id, "b", &after_ms), STATUS_OK);
	assert_int_equal(fixture_get(capture_id).state, CAPTURE_SHIPPED);
}

static void ledger_keeps_unreachable_unreachable_when_it_is_shipped(void **state)
{
	const char *capture_id = fixture_order(BOX, "");
	int made = 0;

	(void)state;
	assert_int_equal(mark(&made), 1);
	assert_int_equal(claim("a"), 1);
	assert_int_equal(shipped(capture_id, "a", &after_ms), STATUS_OK);
	assert_int_equal(after_ms, -1);
	assert_int_equal(fixture_get(capture_id).state, CAPTURE_UNREACHABLE);
	assert_true(fixture_get(capture_id).shipped_ns > 0);
	assert_int_equal(claim("a"), 0);
}

static void ledger_orders_again_on_retry_what_has_no_bundle(void **state)
{
	static const char *const states[] = { "ordered", "unreachable", "refused" };
	const char *capture_id = fixture_order(BOX, "i-1");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		char sql[200];
		struct ledger_capture capture;

		(void)snprintf(sql, sizeof sql, "UPDATE rescue.captures SET state = '%s', bundle = 'stub', shipped_at = now(),"
		               " grace_until = now(), deadline_at = now()", states[i]);
		(void)database_sql(sql);
		assert_int_equal(ledger_retry(ledger, span_cstr(capture_id), &err), STATUS_OK);
		capture = fixture_get(capture_id);
		assert_int_equal(capture.state, CAPTURE_ORDERED);
		assert_true(capture.deadline_ns > capture.requested_ns && capture.grace_until_ns > capture.deadline_ns);
		assert_true(capture.shipped_ns == 0);
		assert_int_equal(claim("a"), 0);
	}
	assert_int_equal(ledger_retry(ledger, SPAN_LIT(NO_BOX), &err), STATUS_NOT_FOUND);
	assert_int_equal(ledger_retry(ledger, SPAN_LIT("x"), &err), STATUS_NOT_FOUND);
}

static void ledger_refuses_only_while_nothing_is_stored(void **state)
{
	const char *capture_id = fixture_order(BOX, "i-1");
	bool same;

	(void)state;
	assert_int_equal(ledger_refuse(ledger, span_cstr(capture_id), SPAN_LIT(OTHER_BOX), "no", &err), STATUS_OK);
	assert_int_equal(fixture_get(capture_id).state, CAPTURE_ORDERED);
	assert_int_equal(ledger_refuse(ledger, span_cstr(capture_id), SPAN_LIT(BOX), "no", &err), STATUS_OK);
	assert_int_equal(fixture_get(capture_id).state, CAPTURE_REFUSED);
	assert_int_equal(store(capture_id, BOX, "aa", &same), STATUS_OK);
	assert_int_equal(ledger_refuse(ledger, span_cstr(capture_id), SPAN_LIT(BOX), "no", &err), STATUS_OK);
	assert_int_equal(fixture_get(capture_id).state, CAPTURE_RECEIVED);
}

static void ledger_clears_only_bundles_shipped_long_ago(void **state)
{
	const char *capture_id = fixture_order(BOX, "i-1");
	bool same;

	(void)state;
	assert_int_equal(store(capture_id, BOX, "aa", &same), STATUS_OK);
	(void)database_sql("UPDATE rescue.captures SET received_at = now() - interval '30 days'");
	assert_int_equal(ledger_clear_bundles(ledger, 3600, 10, &err), STATUS_OK);
	assert_string_equal(database_sql("SELECT count(bundle) FROM rescue.captures"), "1");
	(void)database_sql("UPDATE rescue.captures SET shipped_at = now() - interval '59 minutes'");
	assert_int_equal(ledger_clear_bundles(ledger, 3600, 10, &err), STATUS_OK);
	assert_string_equal(database_sql("SELECT count(bundle) FROM rescue.captures"), "1");
	(void)database_sql("UPDATE rescue.captures SET shipped_at = now() - interval '61 minutes'");
	assert_int_equal(ledger_clear_bundles(ledger, 3600, 10, &err), STATUS_OK);
	assert_string_equal(database_sql("SELECT count(bundle) FROM rescue.captures"), "0");
}

static void count_capture(void *ctx, const struct ledger_capture *capture)
{
	char *first = ctx;

	if (first[0] == '\0')
		(void)snprintf(first, CAPTURE_ID_SIZE, "%s", capture->capture_id);
}

static void ledger_lists_the_newest_first(void **state)
{
	char first[CAPTURE_ID_SIZE] = "";
	char newest[CAPTURE_ID_SIZE];
	char oldest[CAPTURE_ID_SIZE];

	(void)state;
	(void)snprintf(oldest, sizeof oldest, "%s", fixture_order(BOX, "i-1"));
	(void)snprintf(newest, sizeof newest, "%s", fixture_order(OTHER_BOX, "i-2"));
	assert_int_equal(ledger_list_captures(ledger, SPAN_LIT(""), 10, count_capture, first, &err), STATUS_OK);
	assert_string_equal(first, newest);
	first[0] = '\0';
	assert_int_equal(ledger_list_captures(ledger, SPAN_LIT(BOX), 10, count_capture, first, &err), STATUS_OK);
	assert_string_equal(first, oldest);
}

#define EACH(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(ledger_keeps_a_bundle_byte_for_byte),
		EACH(ledger_tells_the_same_bundle_from_another),
		EACH(ledger_stores_nothing_for_another_workspace_or_capture),
		EACH(ledger_marks_what_no_agent_came_for),
		EACH(ledger_marks_a_row_without_instance_at_once_and_still_orders_it),
		EACH(ledger_gives_a_delivered_order_more_time),
		EACH(ledger_notes_many_deliveries_at_once),
		EACH(ledger_does_not_let_one_bad_record_hold_up_the_others),
		EACH(ledger_leases_a_bundle_to_one_owner),
		EACH(ledger_claims_no_more_than_there_is_room_for),
		EACH(ledger_leaves_alone_what_only_a_resting_sink_lacks),
		EACH(ledger_notes_each_sink_once_and_then_the_whole),
		EACH(ledger_tries_later_until_the_grace_ends),
		EACH(ledger_ships_a_record_for_a_refused_bundle_and_keeps_the_reason),
		EACH(ledger_ships_a_late_bundle_anew),
		EACH(ledger_keeps_unreachable_unreachable_when_it_is_shipped),
		EACH(ledger_ships_again_on_retry_while_it_keeps_the_bundle),
		EACH(ledger_orders_again_on_retry_what_has_no_bundle),
		EACH(ledger_refuses_only_while_nothing_is_stored),
		EACH(ledger_clears_only_bundles_shipped_long_ago),
		EACH(ledger_lists_the_newest_first),
	};

	return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}

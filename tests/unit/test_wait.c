#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/wait.h"
#include "agent_fake_sweeper.h"

#define ORDER_FOR(workspace)                                                                       \
	"{\"capture_id\":\"11111111-2222-4333-8444-555555555555\",\"workspace_id\":\"" workspace      \
	"\",\"reason\":\"provision_timeout_sweep\",\"deadline_s\":45,\"grace_until\":\"2026-01-31T00:00:00Z\"}"

#define RUN(link, sweepers, order, ...)                                                             \
	run((link), (sweepers), (order), (const struct fake_answer[]){ __VA_ARGS__ },                  \
	    sizeof((const struct fake_answer[]){ __VA_ARGS__ }) / sizeof(struct fake_answer))

static enum status run(struct link *link, size_t sweepers, struct order *ret_order, const struct fake_answer *answers,
                       size_t count)
{
	fake_start(link, sweepers, answers, count);
	return wait_for_order(link, ret_order);
}

static void wait_gives_the_order_of_this_workspace(void **state)
{
	struct link link;
	struct order order;

	(void)state;
	assert_int_equal(RUN(&link, 1, &order, { .code = 204 }, { .code = 200, .body = ORDER_FOR("ws-1") }), STATUS_OK);
	assert_string_equal(order.capture_id, "11111111-2222-4333-8444-555555555555");
	assert_string_equal(fake.urls[0], "https://one/v1/orders/next?wait=300");
	assert_string_equal(fake.urls[1], "https://one/v1/orders/next?wait=300");
	assert_string_equal(fake.method, "GET");
	assert_int_equal(fake.timeout_ms, 330000);
}

static void wait_ends_cleanly_when_told_to_stand_down(void **state)
{
	struct link link;
	struct order order;

	(void)state;
	assert_int_equal(RUN(&link, 1, &order, { .code = 410 }), STATUS_CLOSED);
}

static void wait_tries_the_sweepers_in_order_and_stays_where_one_works(void **state)
{
	struct link link;
	struct order order;

	(void)state;
	assert_int_equal(RUN(&link, 2, &order, { .status = STATUS_UNAVAILABLE }, { .code = 204 }, { .code = 503 },
	                     { .code = 410 }),
	                 STATUS_CLOSED);
	assert_int_equal(strncmp(fake.urls[0], "https://one/", 12), 0);
	assert_int_equal(strncmp(fake.urls[1], "https://two/", 12), 0);
	assert_int_equal(strncmp(fake.urls[2], "https://two/", 12), 0);
	assert_int_equal(strncmp(fake.urls[3], "https://one/", 12), 0);
}

/* The stop comes with the answer, so that the pause that was begun can be looked at instead of being slept. */
static void wait_slows_down_for_what_does_not_heal(void **state)
{
	static const struct fake_answer cases[] = {
		{ .code = 403 },
		{ .code = 404 },
		{ .code = 301 },
		{ .code = 200, .body = "no order" },
		{ .code = 200, .body = ORDER_FOR("ws-2") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct link link;
		struct order order;

		fake_start(&link, 1, &cases[i], 1);
		fake.stop_with_last = true;
		assert_int_equal(wait_for_order(&link, &order), STATUS_STOPPED);
		assert_in_range(link_pause_ms(&link), 29000, 60000);
		fake_unstop();
	}
}

static void wait_retries_soon_for_what_may_pass(void **state)
{
	static const struct fake_answer cases[] = {
		{ .status = STATUS_UNAVAILABLE }, { .status = STATUS_DENIED }, { .status = STATUS_TIMEOUT },
		{ .code = 500 }, { .code = 503 }, { .code = 429 }, { .code = 204 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct link link;
		struct order order;

		fake_start(&link, 1, &cases[i], 1);
		fake.stop_with_last = true;
		assert_int_equal(wait_for_order(&link, &order), STATUS_STOPPED);
		assert_in_range(link_pause_ms(&link), 0, 500);
		fake_unstop();
	}
}

/* Otherwise a sweeper that never holds a request would be asked in a busy loop. */
static void wait_paces_a_sweeper_that_does_not_hold(void **state)
{
	struct fake_answer answers[] = { { .code = 204 } };
	int64_t longest = 0;

	(void)state;
	for (int i = 0; i < 100; i++) {
		struct link link;
		struct order order;

		fake_start(&link, 1, answers, 1);
		fake.stop_with_last = true;
		link.failures = 10;
		assert_int_equal(wait_for_order(&link, &order), STATUS_STOPPED);
		if (link_pause_ms(&link) > longest)
			longest = link_pause_ms(&link);
		fake_unstop();
	}
	assert_true(longest > 10000);
}

static void link_pauses_grow_with_full_jitter_up_to_a_minute(void **state)
{
	struct link link;
	int64_t longest_first = 0, longest_late = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		fake_start(&link, 1, NULL, 0);
		link_retry(&link, -1);
		if (link_pause_ms(&link) > longest_first)
			longest_first = link_pause_ms(&link);
		link.failures = 20;
		link_retry(&link, -1);
		if (link_pause_ms(&link) > longest_late)
			longest_late = link_pause_ms(&link);
	}
	assert_in_range(longest_first, 250, 500);
	assert_in_range(longest_late, 30000, 60000);
}

static void link_obeys_retry_after_as_a_minimum(void **state)
{
	struct link link;

	(void)state;
	fake_start(&link, 1, NULL, 0);
	link_retry(&link, 45);
	assert_in_range(link_pause_ms(&link), 44000, 45000);
	link_works(&link);
	link_retry(&link, 86400);
	assert_in_range(link_pause_ms(&link), LIMIT_RETRY_AFTER_S * 1000 - 1000, LIMIT_RETRY_AFTER_S * 1000);
}

static void link_asks_the_other_sweeper_while_one_wants_to_be_left_alone(void **state)
{
	struct link link;

	(void)state;
	fake_start(&link, 2, NULL, 0);
	link_retry(&link, 300);
	assert_string_equal(link_sweeper(&link), "https://two");
	assert_in_range(link_pause_ms(&link), 0, 500);
	link_retry(&link, -1);
	assert_string_equal(link_sweeper(&link), "https://two");
	assert_in_range(link_pause_ms(&link), 0, 500);
	link_retry(&link, 200);
	/* Both are held now: the one that may be asked first. */
	assert_string_equal(link_sweeper(&link), "https://two");
	assert_in_range(link_pause_ms(&link), 199000, 200000);
}

static void link_slows_down_to_half_a_minute_at_least(void **state)
{
	struct link link;

	(void)state;
	fake_start(&link, 1, NULL, 0);
	link_slow(&link);
	assert_in_range(link_pause_ms(&link), 29000, 60000);
}

int main(void)
{
	struct err err = ERR_INIT;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wait_gives_the_order_of_this_workspace),
		cmocka_unit_test(wait_ends_cleanly_when_told_to_stand_down),
		cmocka_unit_test(wait_tries_the_sweepers_in_order_and_stays_where_one_works),
		cmocka_unit_test(link_pauses_grow_with_full_jitter_up_to_a_minute),
		cmocka_unit_test(link_obeys_retry_after_as_a_minimum),
		cmocka_unit_test(link_asks_the_other_sweeper_while_one_wants_to_be_left_alone),
		cmocka_unit_test(link_slows_down_to_half_a_minute_at_least),
		cmocka_unit_test(wait_slows_down_for_what_does_not_heal),
		cmocka_unit_test(wait_retries_soon_for_what_may_pass),
		cmocka_unit_test(wait_paces_a_sweeper_that_does_not_hold),
	};

	return stop_init(&err) == STATUS_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}

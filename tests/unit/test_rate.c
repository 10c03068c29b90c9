#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "sweeper/gate/rate.h"

/* How many of `tries` at once are let through. */
static int take_many(struct rate *rate, const char *key, int tries, int64_t now_mono_ms, int64_t *ret_retry_after_s)
{
	int taken = 0;

	for (int i = 0; i < tries; i++)
		taken += rate_take(rate, span_cstr(key), now_mono_ms, ret_retry_after_s);
	return taken;
}

static void rate_gives_a_minutes_allowance_at_once_and_then_evenly(void **state)
{
	struct rate *rate = rate_new(60);
	int64_t retry_after_s = 0;

	(void)state;
	assert_int_equal(take_many(rate, "a", 100, 5000, &retry_after_s), 60);
	assert_int_equal(retry_after_s, 2);
	assert_int_equal(take_many(rate, "a", 100, 5999, &retry_after_s), 0);
	assert_int_equal(take_many(rate, "a", 100, 6000, &retry_after_s), 1);
	assert_int_equal(take_many(rate, "a", 100, 16000, &retry_after_s), 10);
	assert_int_equal(take_many(rate, "a", 100, 16000 + 3600 * 1000, &retry_after_s), 60);
	rate_free(rate);
}

static void rate_that_is_kept_to_is_never_limited(void **state)
{
	struct rate *rate = rate_new(2);
	int64_t retry_after_s;

	(void)state;
	for (int64_t minute = 0; minute < 1000; minute++)
		assert_int_equal(take_many(rate, "a", 2, minute * 60000, &retry_after_s), 2);
	rate_free(rate);
}

static void rate_tells_when_to_come_again(void **state)
{
	struct rate *rate = rate_new(2);
	int64_t retry_after_s = 0;

	(void)state;
	assert_int_equal(take_many(rate, "a", 3, 0, &retry_after_s), 2);
	assert_false(rate_take(rate, SPAN_LIT("a"), 0, &retry_after_s));
	assert_true(rate_take(rate, SPAN_LIT("a"), retry_after_s * 1000, &retry_after_s));
	rate_free(rate);
}

static void rate_of_one_key_is_not_anothers(void **state)
{
	struct rate *rate = rate_new(5);
	int64_t retry_after_s;
	int untouched = 0;

	(void)state;
	assert_int_equal(take_many(rate, "a", 100, 0, &retry_after_s), 5);
	for (int i = 0; i < 100; i++) {
		char key[16];

		(void)snprintf(key, sizeof key, "key-%d", i);
		untouched += take_many(rate, key, 5, 0, &retry_after_s) == 5;
	}
	/* Two keys may fall into one place. */
	assert_true(untouched >= 95);
	rate_free(rate);
}

static void rate_takes_the_largest_allowance_and_any_time(void **state)
{
	struct rate *rate = rate_new(LIMIT_ENROLL_PER_MIN);
	int64_t retry_after_s;

	(void)state;
	assert_true(rate_take(rate, SPAN_LIT(""), 0, &retry_after_s));
	assert_true(rate_take(rate, SPAN_LIT(""), INT64_MAX / 4, &retry_after_s));
	assert_int_equal(take_many(rate, "", LIMIT_ENROLL_PER_MIN + 5, INT64_MAX / 4, &retry_after_s),
	                 LIMIT_ENROLL_PER_MIN - 1);
	rate_free(rate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rate_gives_a_minutes_allowance_at_once_and_then_evenly),
		cmocka_unit_test(rate_that_is_kept_to_is_never_limited),
		cmocka_unit_test(rate_tells_when_to_come_again),
		cmocka_unit_test(rate_of_one_key_is_not_anothers),
		cmocka_unit_test(rate_takes_the_largest_allowance_and_any_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

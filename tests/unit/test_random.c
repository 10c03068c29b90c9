#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "shared/random.h"
static void random_below_stays_below_and_reaches_all(void **state)
{
	unsigned seen = 0;

	(void)state;
	for (int n = 0; n < 2000; n++) {
		uint64_t value = random_below(5);

		assert_true(value < 5);
		seen |= 1U << value;
	}
	assert_int_equal(seen, 31);
	assert_int_equal(random_below(0), 0);
}

static void random_uuid_has_version_and_variant(void **state)
{
	char one[RANDOM_UUID_SIZE], two[RANDOM_UUID_SIZE];

	(void)state;
	random_uuid(one);
	random_uuid(two);
	assert_int_equal(strlen(one), 36);
	assert_int_equal(one[14], '4');
	assert_non_null(strchr("89ab", one[19]));
	assert_string_not_equal(one, two);
}

static void random_backoff_grows_to_its_cap_and_no_further(void **state)
{
	uint64_t highest = 0;

	(void)state;
	for (int n = 0; n < 1000; n++) {
		assert_true(random_backoff_ms(0, 500, 60000) < 500);
		assert_true(random_backoff_ms(3, 500, 60000) < 4000);
		uint64_t late = random_backoff_ms(1000, 500, 60000);

		assert_true(late < 60000);
		if (late > highest)
			highest = late;
	}
	assert_true(highest > 30000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_below_stays_below_and_reaches_all),
		cmocka_unit_test(random_uuid_has_version_and_variant),
		cmocka_unit_test(random_backoff_grows_to_its_cap_and_no_further),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

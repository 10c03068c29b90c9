#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "shared/limits.h"
#include "sweeper/gate/bodies.h"

enum { EVERYBODY = LIMIT_BODIES / LIMIT_BODIES_OF_ONE };

static void bodies_of_one_caller_have_a_limit_of_their_own(void **state)
{
	struct bodies_part first, second, third, other;

	(void)state;
	assert_true(bodies_take(SPAN_LIT("a"), LIMIT_BUNDLE_GZIP, &first));
	assert_true(bodies_take(SPAN_LIT("a"), LIMIT_BUNDLE_GZIP, &second));
	assert_false(bodies_take(SPAN_LIT("a"), 1, &third));
	assert_int_equal(third.len, 0);
	assert_true(bodies_take(SPAN_LIT("b"), LIMIT_BUNDLE_GZIP, &other));
	bodies_give(&third);
	bodies_give(&second);
	assert_int_equal(second.len, 0);
	assert_true(bodies_take(SPAN_LIT("a"), LIMIT_BUNDLE_GZIP, &third));
	bodies_give(&first);
	bodies_give(&third);
	bodies_give(&other);
	assert_false(bodies_take(SPAN_LIT("a"), SIZE_MAX, &first));
}

static void bodies_of_all_callers_have_a_limit_together(void **state)
{
	struct bodies_part parts[EVERYBODY], more;
	char name[16];

	(void)state;
	for (size_t i = 0; i < EVERYBODY; i++) {
		(void)snprintf(name, sizeof name, "box-%zu", i);
		assert_true(bodies_take(span_cstr(name), LIMIT_BODIES_OF_ONE, &parts[i]));
	}
	assert_false(bodies_take(SPAN_LIT("another"), 1, &more));
	bodies_give(&parts[0]);
	/* What was refused for the sake of all is not counted against the one. */
	assert_true(bodies_take(SPAN_LIT("another"), LIMIT_BODIES_OF_ONE, &more));
	bodies_give(&more);
	for (size_t i = 1; i < EVERYBODY; i++)
		bodies_give(&parts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_of_one_caller_have_a_limit_of_their_own),
		cmocka_unit_test(bodies_of_all_callers_have_a_limit_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

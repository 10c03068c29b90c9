#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "shared/tls/validity.h"

/* A peer that is good on days 100 to 200, at different times, for boxes with different certificates of their own. */
static void validity_is_judged_by_the_clock_unless_the_clock_cannot_be_right(void **state)
{
	static const struct validity peer = { 100, 200 };
	static const struct {
		struct validity own;
		int64_t now;
		bool alone, with_own;
	} rows[] = {
		{ { 90, 190 }, 100, true, true },    /* the ends belong to it */
		{ { 90, 190 }, 200, true, true },
		{ { 90, 190 }, 95, false, false },   /* a clock inside of its own certificate's time is believed */
		{ { 150, 300 }, 250, false, false },
		{ { 150, 300 }, 201, false, false },
		{ { 90, 190 }, 0, false, true },     /* one outside is not: both are good on days 100 to 190 */
		{ { 90, 190 }, 500, false, true },
		{ { 200, 300 }, 1, false, true },    /* on day 200 */
		{ { 201, 300 }, 1, false, false },   /* there is no such day */
		{ { 201, 300 }, 500, false, false },
		{ { 10, 99 }, 1, false, false },
		{ { 10, 99 }, 500, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (validity_holds(&peer, NULL, rows[i].now) != rows[i].alone ||
		    validity_holds(&peer, &rows[i].own, rows[i].now) != rows[i].with_own)
			fail_msg("row %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(validity_is_judged_by_the_clock_unless_the_clock_cannot_be_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

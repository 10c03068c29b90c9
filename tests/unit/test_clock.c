#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "shared/clock.h"
static void clock_formats_and_reads_back(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} cases[] = {
		{ 0, "1970-01-01T00:00:00.000000Z" },
		{ INT64_C(1769817600123456000), "2026-01-31T00:00:00.123456Z" },
		{ -1000, "1969-12-31T23:59:59.999999Z" },
		{ INT64_C(951782400000000000), "2000-02-29T00:00:00.000000Z" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[CLOCK_RFC3339_SIZE];
		int64_t ns;

		clock_format(cases[i].ns, text);
		assert_string_equal(text, cases[i].text);
		assert_true(clock_parse(span_cstr(text), &ns));
		assert_int_equal(ns, cases[i].ns);
	}
}

static void clock_reads_offsets_and_fractions(void **state)
{
	int64_t utc, other;

	(void)state;
	assert_true(clock_parse(SPAN_LIT("2026-01-31T00:00:00Z"), &utc));
	assert_true(clock_parse(SPAN_LIT("2026-01-31t05:30:00+05:30"), &other));
	assert_int_equal(utc, other);
	assert_true(clock_parse(SPAN_LIT("2026-01-30T23:00:00.5-01:00"), &other));
	assert_int_equal(utc + 500000000, other);
	assert_true(clock_parse(SPAN_LIT("2026-01-31T00:00:00.123456789123Z"), &other));
	assert_int_equal(utc + 123456789, other);
}

static void clock_refuses_what_is_no_rfc_3339_time(void **state)
{
	static const char *const texts[] = { "", "2026", "2026-01-31", "2026-01-31 00:00:00Z", "2026-01-31T00:00:00",
		                             "2026-13-01T00:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T00:00:00.Z",
		                             "2026-01-31T00:00:00+1:00", "2026-01-31T00:00:00Zx", "9999-12-31T00:00:00Z",
		                             "x026-01-31T00:00:00Z" };
	int64_t ns;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		assert_false(clock_parse(span_cstr(texts[i]), &ns));
}

static void clock_goes_on_from_the_agreed_time(void **state)
{
	const int64_t year_ns = INT64_C(365) * 86400 * 1000000000, s_ns = 1000000000;
	int64_t before_ns = clock_agreed_ns();
	int64_t now_ns;

	(void)state;
	assert_true(before_ns <= clock_real_ns() && before_ns > clock_real_ns() - 60 * s_ns);
	clock_agree(before_ns - year_ns);
	now_ns = clock_agreed_ns();
	assert_true(now_ns >= before_ns - year_ns && now_ns < before_ns - year_ns + 60 * s_ns);
	assert_true(clock_agreed_ns() >= now_ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clock_formats_and_reads_back),
		cmocka_unit_test(clock_reads_offsets_and_fractions),
		cmocka_unit_test(clock_refuses_what_is_no_rfc_3339_time),
		cmocka_unit_test(clock_goes_on_from_the_agreed_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "agent/verdict.h"
#include "tests/unit/redact_fixture.h"

/* What the verdict of a box says whose clock is so far ahead of the sweeper's. */
static void check_skew(int64_t ahead_ms, const char *line)
{
	const int64_t ordered_ns = INT64_C(1769731217999000000);
	const struct record_origin origin = { .ts_ns = ordered_ns + ahead_ms * 1000000, .workspace_id = SPAN_LIT("ws-1") };
	const struct collect_facts facts = { .uptime_s = -1 };
	const struct capture_table table = { .count = 0 };
	struct clean_text *text = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(verdict_make(redactor, &origin, ordered_ns, &facts, &table, &text, &err), STATUS_OK);
	if (span_find(clean_text_span(text), span_cstr(line), 0) == clean_text_span(text).len)
		fail_msg("%lld ms: no \"%s\" in\n%.*s", (long long)ahead_ms, line, SPAN_ARG(clean_text_span(text)));
	clean_text_free(text);
}

static void verdict_gives_the_skew_to_the_nearest_second(void **state)
{
	(void)state;
	check_skew(3, "\nclock_skew_s: 0\n");
	check_skew(-400, "\nclock_skew_s: 0\n");
	check_skew(1600, "\nclock_skew_s: 2\n");
	check_skew(-1600, "\nclock_skew_s: -2\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(verdict_gives_the_skew_to_the_nearest_second) };

	return cmocka_run_group_tests(tests, setup, teardown);
}

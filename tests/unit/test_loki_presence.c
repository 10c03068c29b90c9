#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sweeper/ship/loki_presence.h"
#include "tests/unit/ship_fixture.h"

#define ID_A "0195b0a4-1111-4222-8333-444455556666"
#define ID_B "0195b0a4-1111-4222-8333-444455557777"

static const struct fixture_section two[] = {
	{ "verdict", "v", OUTCOME_OK },
	{ "host", "h", OUTCOME_OK },
};

#define STREAM(id, section, part, outcome, ns)                                                                     \
	"{\"stream\":{\"rescue_capture\":\"" id "\",\"rescue_section\":\"" section "\",\"rescue_part\":\"" part    \
	"\",\"rescue_outcome\":\"" outcome "\"},\"values\":[[\"" ns "\",\"-\"]]}"
#define ANSWER(streams) "{\"status\":\"success\",\"data\":{\"resultType\":\"streams\",\"result\":[" streams "]}}"

static const struct {
	const char *body;
	bool has_first, has_second;
} rows[] = {
	{ ANSWER(""), false, false },
	{ ANSWER(STREAM(ID_A, "verdict", "1", "ok", "5")), true, false },
	{ ANSWER(STREAM(ID_A, "verdict", "1", "ok", "5") "," STREAM(ID_A, "host", "1", "error", "7")), true, true },
	{ ANSWER(STREAM(ID_B, "verdict", "1", "ok", "5")), false, false },
	{ ANSWER(STREAM(ID_A, "verdict", "2", "ok", "5")), false, false },
	{ ANSWER(STREAM(ID_A, "verdict", "", "ok", "5")), false, false },
	{ ANSWER(STREAM(ID_A, "verdict", "1", "unreachable", "5")), false, false },
};

static void loki_presence_ticks_off_what_the_answer_names_and_nothing_else(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct cargo cargo, *cargos[] = { &cargo };
		size_t count;
		int64_t last_ns;

		fixture_cargo(ID_A, two, 2, &cargo);
		assert_int_equal(loki_presence_read(span_cstr(rows[i].body), cargos, 1, &count, &last_ns, NULL), STATUS_OK);
		assert_int_equal(cargo.entries[0].is_stored, rows[i].has_first);
		assert_int_equal(cargo.entries[1].is_stored, rows[i].has_second);
		cargo_done(&cargo);
	}
}

static void loki_presence_counts_entries_and_finds_the_newest(void **state)
{
	struct cargo cargo, *cargos[] = { &cargo };
	size_t count;
	int64_t last_ns;

	(void)state;
	fixture_cargo(ID_A, two, 2, &cargo);
	assert_int_equal(loki_presence_read(span_cstr(rows[2].body), cargos, 1, &count, &last_ns, NULL), STATUS_OK);
	assert_int_equal(count, 2);
	assert_int_equal(last_ns, 7);
	cargo_done(&cargo);
}

static void loki_presence_refuses_what_is_no_answer_of_loki(void **state)
{
	static const char *const bodies[] = { "", "<html>", "{}", "[]", "{\"data\":{\"resultType\":\"matrix\",\"result\":[]}}",
	                                      "{\"data\":{\"resultType\":\"streams\",\"result\":{}}}" };

	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		size_t count;
		int64_t last_ns;

		assert_int_equal(loki_presence_read(span_cstr(bodies[i]), NULL, 0, &count, &last_ns, NULL), STATUS_INVALID);
	}
}

static void loki_presence_asks_for_all_cargos_but_lost_ones(void **state)
{
	const struct loki_presence presence = { .org = "acme" };
	struct cargo a, b, *cargos[] = { &a, &b };
	BUF_AUTO logql = BUF_INIT(4096);

	(void)state;
	fixture_cargo(ID_A, two, 2, &a);
	fixture_cargo(ID_B, two, 2, &b);
	loki_presence_logql(&presence, cargos, 2, &logql);
	assert_non_null(strstr(buf_cstr(&logql), "rescue_capture=~`" ID_A "|" ID_B "`"));
	assert_non_null(strstr(buf_cstr(&logql), "org=\"acme\""));
	a.is_lost = true;
	buf_reset(&logql);
	loki_presence_logql(&presence, cargos, 2, &logql);
	assert_non_null(strstr(buf_cstr(&logql), "rescue_capture=~`" ID_B "`"));
	cargo_done(&a);
	cargo_done(&b);
}

static void loki_presence_looks_where_entries_can_be(void **state)
{
	const int64_t hour_ns = INT64_C(3600000000000), day_ns = 24 * hour_ns;
	struct cargo cargo, *cargos[] = { &cargo };
	struct loki_range range;

	(void)state;
	fixture_cargo(ID_A, two, 2, &cargo);
	range = loki_presence_range(cargos, 1, true);
	assert_int_equal(range.start_ns, FIXTURE_BASE_NS);
	assert_true(range.end_ns > cargo_entry_ns(&cargo, 1) && range.end_ns < FIXTURE_BASE_NS + hour_ns);
	range = loki_presence_range(cargos, 1, false);
	assert_int_equal(range.start_ns, cargo.since_ns);
	assert_true(range.end_ns > FIXTURE_BASE_NS + hour_ns);
	/* Loki refuses ranges over 721 hours. */
	cargo.entry_base_ns += 100 * day_ns;
	range = loki_presence_range(cargos, 1, false);
	assert_int_equal(range.end_ns - range.start_ns, 30 * day_ns);
	cargo_done(&cargo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loki_presence_ticks_off_what_the_answer_names_and_nothing_else),
		cmocka_unit_test(loki_presence_counts_entries_and_finds_the_newest),
		cmocka_unit_test(loki_presence_refuses_what_is_no_answer_of_loki),
		cmocka_unit_test(loki_presence_asks_for_all_cargos_but_lost_ones),
		cmocka_unit_test(loki_presence_looks_where_entries_can_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

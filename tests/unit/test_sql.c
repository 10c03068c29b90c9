#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sweeper/ledger/sql.h"
#include "sweeper/ledger/sqlstate.h"

static void sql_quotes_the_table_and_its_neighbour(void **state)
{
	static const struct {
		const char *table, *workspaces, *structure_events;
	} cases[] = {
		{ "public.workspaces", "\"public\".\"workspaces\"", "\"public\".\"structure_events\"" },
		{ "workspaces", "\"workspaces\"", "\"structure_events\"" },
		{ "Public.WorkSpaces", "\"public\".\"workspaces\"", "\"public\".\"structure_events\"" },
		{ "a\"b.w\"; DROP", "\"a\"\"b\".\"w\"\"; drop\"", "\"a\"\"b\".\"structure_events\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		BUF_AUTO workspaces = BUF_INIT(100);
		BUF_AUTO structure_events = BUF_INIT(100);

		sql_quote_tables(cases[i].table, &workspaces, &structure_events);
		assert_string_equal(buf_cstr(&workspaces), cases[i].workspaces);
		assert_string_equal(buf_cstr(&structure_events), cases[i].structure_events);
	}
}

static void sql_fills_every_mark_of_every_statement(void **state)
{
	(void)state;
	for (enum sql sql = 0; sql < SQL_COUNT; sql++) {
		BUF_AUTO text = BUF_INIT(100000);

		sql_fill(sql, "W", "S", &text);
		assert_int_equal(buf_status(&text), STATUS_OK);
		assert_true(text.len > 0);
		assert_null(strstr(buf_cstr(&text), "{workspaces}"));
		assert_null(strstr(buf_cstr(&text), "{structure_events}"));
		assert_null(strstr(buf_cstr(&text), "\\ir"));
	}
}

static void sql_names_the_platform_tables_in_the_sweep(void **state)
{
	BUF_AUTO text = BUF_INIT(100000);

	(void)state;
	sql_fill(SQL_SWEEP_STRUCTURED, "\"p\".\"w\"", "\"p\".\"s\"", &text);
	assert_non_null(strstr(buf_cstr(&text), "UPDATE \"p\".\"w\" w\n"));
	assert_non_null(strstr(buf_cstr(&text), "INSERT INTO \"p\".\"s\" "));
}

static void sqlstate_tells_what_to_try_again_from_what_to_refuse(void **state)
{
	static const struct {
		const char *code;
		enum status status;
		bool drops;
	} cases[] = {
		{ NULL, STATUS_UNAVAILABLE, true },
		{ "57P01", STATUS_UNAVAILABLE, true },
		{ "57014", STATUS_UNAVAILABLE, false },
		{ "53300", STATUS_UNAVAILABLE, false },
		{ "25006", STATUS_UNAVAILABLE, true },
		{ "40P01", STATUS_UNAVAILABLE, false },
		{ "55P03", STATUS_UNAVAILABLE, false },
		{ "42P01", STATUS_UNAVAILABLE, true },
		{ "0A000", STATUS_UNAVAILABLE, true },
		{ "23505", STATUS_UNAVAILABLE, false },
		{ "22P02", STATUS_NOT_FOUND, false },
		{ "22021", STATUS_INVALID, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(sqlstate_status(cases[i].code), cases[i].status);
		assert_int_equal(sqlstate_drops(cases[i].code), cases[i].drops);
		assert_non_null(sqlstate_hint(cases[i].code));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sql_quotes_the_table_and_its_neighbour),
		cmocka_unit_test(sql_fills_every_mark_of_every_statement),
		cmocka_unit_test(sql_names_the_platform_tables_in_the_sweep),
		cmocka_unit_test(sqlstate_tells_what_to_try_again_from_what_to_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

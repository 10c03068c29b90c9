#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "agent/collect/env_section.h"
#include "agent/collect/kernel_log.h"

static void a_variable_is_told_for_its_name_alone(void **state)
{
	static const struct {
		const char *variable;
		bool is_wanted;
	} variables[] = {
		{ "MODEL=x", true },         { "DEFAULT_MODEL_NAME=", true }, { "my_provider=x", true },
		{ "Runtime=x", true },       { "X=MODEL", false },            { "MODEL", false },
		{ "MODE=L", false },         { "", false },                   { "=MODEL", false },
		{ "PATH=/runtime", false },  { "RUNTIMES=a=b", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
		print_message("  %s\n", variables[i].variable);
		assert_int_equal(env_section_wants(span_cstr(variables[i].variable)), variables[i].is_wanted);
	}
}

static void a_kernel_record_becomes_a_line(void **state)
{
	static const struct {
		const char *record, *line;
	} records[] = {
		{ "6,1234,5678901,-;hello\n SUBSYSTEM=pci\n", "[    5.678901] hello\n" },
		{ "6,1,123456000042,-,caller=T1;a; b", "[123456.000042] a; b\n" },
		{ "no record", "" },
		{ "6,1,x,-;text", "" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
		struct kernel_log *log = malloc(sizeof *log);
		BUF_AUTO out = BUF_INIT(4096);

		assert_non_null(log);
		kernel_log_init(log);
		kernel_log_add_record(log, span_cstr(records[i].record));
		kernel_log_write(log, &out);
		assert_string_equal(buf_cstr(&out), records[i].line);
		kernel_log_done(log);
		free(log);
	}
}

static void the_last_kernel_lines_and_the_last_oom_kill_are_kept(void **state)
{
	struct kernel_log *log = malloc(sizeof *log);
	BUF_AUTO out = BUF_INIT(65536);
	BUF_AUTO expected = BUF_INIT(65536);

	(void)state;
	assert_non_null(log);
	kernel_log_init(log);
	kernel_log_add(log, SPAN_LIT("Out of memory: Killed process 1 (a)"));
	kernel_log_add(log, SPAN_LIT("Memory cgroup out of memory: Killed process 2 (b)"));
	for (int i = 0; i < 250; i++) {
		BUF_AUTO line = BUF_INIT(32);

		buf_printf(&line, "line %d", i);
		kernel_log_add(log, buf_span(&line));
		if (i >= 250 - LIMIT_KERNEL_LINES)
			buf_printf(&expected, "line %d\n", i);
	}
	kernel_log_write(log, &out);
	assert_string_equal(buf_cstr(&out), buf_cstr(&expected));
	assert_string_equal(buf_cstr(&log->oom), "Memory cgroup out of memory: Killed process 2 (b)");
	kernel_log_done(log);
	free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_variable_is_told_for_its_name_alone),
		cmocka_unit_test(a_kernel_record_becomes_a_line),
		cmocka_unit_test(the_last_kernel_lines_and_the_last_oom_kill_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

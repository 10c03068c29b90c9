#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "shared/log.h"
/* What one call writes to stderr. */
static void captured(char *ret_text, size_t size, struct span value)
{
	int pipes[2], saved = dup(STDERR_FILENO);
	ssize_t len;

	assert_int_equal(pipe(pipes), 0);
	assert_true(dup2(pipes[1], STDERR_FILENO) >= 0);
	log_event(LOG_INFO, "test.event", LOG_SPAN("value", value), LOG_I("n", -3));
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	(void)close(pipes[1]);
	len = read(pipes[0], ret_text, size - 1);
	assert_true(len > 0);
	ret_text[len] = '\0';
	(void)close(pipes[0]);
	(void)close(saved);
}

static void log_writes_one_key_value_line(void **state)
{
	char text[8192];

	(void)state;
	captured(text, sizeof text, SPAN_LIT("plain"));
	assert_memory_equal(text, "ts=", 3);
	assert_non_null(strstr(text, " level=info event=test.event value=plain n=-3\n"));
}

static void log_values_can_neither_forge_a_line_nor_reach_a_terminal(void **state)
{
	char text[8192];

	(void)state;
	captured(text, sizeof text, SPAN_LIT("a\nlevel=error \"\\ \x1b[31m\0\xff"));
	assert_non_null(strstr(text, "value=\"a\\nlevel=error \\\"\\\\ \\x1b[31m\\x00\\xff\" n=-3\n"));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void log_cuts_a_line_at_its_cap(void **state)
{
	static uint8_t big[100000];
	char text[8192];

	(void)state;
	memset(big, 'x', sizeof big);
	captured(text, sizeof text, span_of(big, sizeof big));
	assert_true(strlen(text) <= 4096);
	assert_int_equal(text[strlen(text) - 1], '\n');
}

static void log_drops_what_is_below_the_level(void **state)
{
	char text[8192];

	(void)state;
	log_set_level(LOG_INFO);
	log_event(LOG_DEBUG, "unseen");
	captured(text, sizeof text, SPAN_LIT("x"));
	assert_null(strstr(text, "unseen"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(log_writes_one_key_value_line),
		cmocka_unit_test(log_values_can_neither_forge_a_line_nor_reach_a_terminal),
		cmocka_unit_test(log_cuts_a_line_at_its_cap),
		cmocka_unit_test(log_drops_what_is_below_the_level),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

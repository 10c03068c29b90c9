#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/collect/first_error.h"
#include "shared/file.h"

static void a_line_is_judged_by_its_words(void **state)
{
	static const struct {
		const char *line;
		bool is_one;
	} lines[] = {
		{ "E: Unable to locate package foo", true },
		{ "ERROR: no matching distribution", true },
		{ "[  12.3] cloud-init[812]: Error: boom\r\n", true },
		{ "Job for docker.service failed.", true },
		{ "failed to pull", true },
		{ "Traceback (most recent call last):", true },
		{ "ModuleNotFoundError: No module named 'x'", true },
		{ "/bin/sh: 1: foo: command not found", true },
		{ "Killed", true },
		{ "write: No space left on device", true },
		{ "Setting up liberror-perl (0.17029-2) ...", false },
		{ "Get:5 http://deb.example libgpg-error0 amd64", false },
		{ "installing error_prone", false },
		{ "0 errors", false },
		{ "Selecting previously unselected package fail2ban.", false },
		{ "see /var/log/error.log", false },
		{ "TYPE: x", false },
		{ "", false },
		{ "\n", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		print_message("  %s\n", lines[i].line);
		assert_int_equal(first_error_is_one(span_cstr(lines[i].line)), lines[i].is_one);
	}
}

/* Writes `filler` bytes of harmless lines and `rest`, and looks for the first error. */
static void find(size_t filler, const char *rest, struct raw_text *ret_text)
{
	char folder[] = "/tmp/rescue-first-error-XXXXXX";
	char path[64];
	BUF_AUTO content = BUF_INIT(16 * 1024 * 1024);

	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof path, "%s/log", folder);
	while (content.len + 5 <= filler)
		buf_append_cstr(&content, "fine\n");
	buf_append_cstr(&content, rest);
	assert_int_equal(file_write_atomic(path, buf_span(&content), 0600, NULL), STATUS_OK);
	raw_text_init(ret_text, 0);
	assert_int_equal(first_error_find(folder, "/log", ret_text, NULL), STATUS_OK);
	(void)unlink(path);
	(void)rmdir(folder);
}

static struct span shown(const struct raw_text *text)
{
	return span_sub(buf_span(&text->bytes), text->context_len, text->bytes.len);
}

static void it_is_found_wherever_blocks_end(void **state)
{
	(void)state;
	for (size_t filler = 65500; filler < 65560; filler += 5) {
		struct raw_text text;

		find(filler, "first error: here\nsecond error\n", &text);
		assert_true(span_eq(shown(&text), SPAN_LIT("first error: here")));
		assert_true(text.context_len == filler || text.context_len == LIMIT_SECTION_CONTEXT);
		raw_text_done(&text);
	}
}

static void it_may_be_the_last_line_without_a_newline(void **state)
{
	struct raw_text text;

	(void)state;
	find(200000, "error", &text);
	assert_true(span_eq(shown(&text), SPAN_LIT("error")));
	raw_text_done(&text);
}

static void it_is_not_looked_for_beyond_the_cap(void **state)
{
	struct raw_text text;

	(void)state;
	find(LIMIT_FIRST_ERROR_SCAN + 200000, "error\n", &text);
	assert_int_equal(shown(&text).len, 0);
	raw_text_done(&text);
}

static void a_line_beyond_the_cap_is_passed_over_as_a_whole(void **state)
{
	enum { LONG = 300000 };
	char *line = malloc(LONG + 32);
	struct raw_text text;

	(void)state;
	assert_non_null(line);
	memset(line, 'x', LONG);
	memcpy(line, "error", 5);
	memcpy(line + LONG, " error\nreal error\n", sizeof " error\nreal error\n");
	find(100, line, &text);
	assert_true(span_eq(shown(&text), SPAN_LIT("real error")));
	raw_text_done(&text);
	free(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_judged_by_its_words),
		cmocka_unit_test(it_is_found_wherever_blocks_end),
		cmocka_unit_test(it_may_be_the_last_line_without_a_newline),
		cmocka_unit_test(it_is_not_looked_for_beyond_the_cap),
		cmocka_unit_test(a_line_beyond_the_cap_is_passed_over_as_a_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

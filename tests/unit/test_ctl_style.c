/* Hostile content on its way to a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/config.h"
#include "sweeper/ctl/style.h"

static const struct style pipe_style = { .terminal = false, .color = false };
static const struct style plain_terminal = { .terminal = true, .color = false };
static const struct style color_terminal = { .terminal = true, .color = true };

#define MARK "\x1b[7;33m"
#define END "\x1b[0m"

static void content_becomes(const struct style *style, struct span content, const char *expected)
{
	BUF_AUTO out = BUF_INIT(65536);

	style_put_content(style, content, &out);
	assert_int_equal(buf_status(&out), STATUS_OK);
	assert_string_equal(buf_cstr(&out), expected);
}

static void style_writes_escapes_out_on_a_terminal(void **state)
{
	static const struct {
		struct span content;
		const char *shown;
	} cases[] = {
		{ SPAN_LIT("plain\ttext\n"), "plain\ttext\n" },
		{ SPAN_LIT("\x1b[31mred\x1b[0m\n"), "\\x1b[31mred\\x1b[0m\n" },
		{ SPAN_LIT("\x1b]0;title\x07\n"), "\\x1b]0;title\\x07\n" },
		{ SPAN_LIT("over\rwritten\n"), "over\\x0dwritten\n" },
		{ SPAN_LIT("back\b\x7f\n"), "back\\x08\\x7f\n" },
		{ SPAN_LIT("a\0b\n"), "a\\x00b\n" },
		{ SPAN_LIT("c1 \xc2\x9b" "31m\n"), "c1 \\x9b31m\n" },
		{ SPAN_LIT("evil \xe2\x80\xae" "txt.exe\n"), "evil \\u202etxt.exe\n" },
		{ SPAN_LIT("\xe2\x81\xa6isolated\n"), "\\u2066isolated\n" },
		{ SPAN_LIT("na\xc3\xafve \xe6\x97\xa5\xf0\x9f\x98\x80\n"), "na\xc3\xafve \xe6\x97\xa5\xf0\x9f\x98\x80\n" },
		{ SPAN_LIT("bad \xff\xc3\n"), "bad \\xff\\xc3\n" },
		{ SPAN_LIT("cut \xe2\x80"), "cut \\xe2\\x80\n" },
		{ SPAN_LIT("no newline"), "no newline\n" },
		{ SPAN_LIT(""), "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		content_becomes(&plain_terminal, cases[i].content, cases[i].shown);
}

static void style_leaves_content_for_a_pipe_unchanged(void **state)
{
	(void)state;
	content_becomes(&pipe_style, SPAN_LIT("\x1b[31m[REDACTED:TOKEN]\r\n"), "\x1b[31m[REDACTED:TOKEN]\r\n");
	content_becomes(&pipe_style, SPAN_LIT("no newline"), "no newline\n");
}

static void style_marks_redactions_in_colour(void **state)
{
	(void)state;
	content_becomes(&color_terminal, SPAN_LIT("a=[REDACTED:API_KEY] b\n"),
	                "a=" MARK "[REDACTED:API_KEY]" END " b\n");
	content_becomes(&color_terminal, SPAN_LIT("[REDACTED][REDACTED:X]\n"),
	                MARK "[REDACTED]" END MARK "[REDACTED:X]" END "\n");
	content_becomes(&plain_terminal, SPAN_LIT("a=[REDACTED:API_KEY]\n"), "a=[REDACTED:API_KEY]\n");
}

static void style_does_not_mark_what_only_begins_like_a_redaction(void **state)
{
	static const struct span contents[] = {
		SPAN_LIT("[REDACTED:never closed\n"), SPAN_LIT("[REDACTED:lower]\n"), SPAN_LIT("[REDACTED:\n"),
		SPAN_LIT("[REDACTEDX]\n"), SPAN_LIT("[REDACTED:A\x1b]\n"),
	};
	static const char *const shown[] = {
		"[REDACTED:never closed\n", "[REDACTED:lower]\n", "[REDACTED:\n", "[REDACTEDX]\n", "[REDACTED:A\\x1b]\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(contents); i++)
		content_becomes(&color_terminal, contents[i], shown[i]);
}

static void style_keeps_a_field_on_its_line(void **state)
{
	BUF_AUTO out = BUF_INIT(256);

	(void)state;
	style_put_field(SPAN_LIT("a\nb\tc\x1b"), &out);
	assert_string_equal(buf_cstr(&out), "a\\x0ab\\x09c\\x1b");
	assert_int_equal(style_field_width(SPAN_LIT("a\nb\tc\x1b")), out.len);
	assert_int_equal(style_field_width(SPAN_LIT("na\xc3\xafve")), 5);
}

static void style_has_no_colour_off_a_terminal(void **state)
{
	int ends[2];
	struct style style;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	style = style_detect(ends[1]);
	assert_false(style.terminal);
	assert_false(style.color);
	close(ends[0]);
	close(ends[1]);
}

static void style_respects_no_color_on_a_terminal(void **state)
{
	static const struct {
		const char *no_color, *term;
		bool color;
	} cases[] = {
		{ NULL, "xterm", true }, { "", "xterm", true }, { "1", "xterm", false }, { NULL, "dumb", false },
	};
	int terminal = posix_openpt(O_RDWR | O_NOCTTY);

	(void)state;
	if (terminal < 0 || !isatty(terminal))
		skip();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (cases[i].no_color == NULL)
			unsetenv("NO_COLOR");
		else
			setenv("NO_COLOR", cases[i].no_color, 1);
		setenv("TERM", cases[i].term, 1);
		assert_true(style_detect(terminal).terminal);
		assert_int_equal(style_detect(terminal).color, cases[i].color);
	}
	close(terminal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(style_writes_escapes_out_on_a_terminal),
		cmocka_unit_test(style_leaves_content_for_a_pipe_unchanged),
		cmocka_unit_test(style_marks_redactions_in_colour),
		cmocka_unit_test(style_does_not_mark_what_only_begins_like_a_redaction),
		cmocka_unit_test(style_keeps_a_field_on_its_line),
		cmocka_unit_test(style_has_no_colour_off_a_terminal),
		cmocka_unit_test(style_respects_no_color_on_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

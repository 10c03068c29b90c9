#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "agent/collect/container_log.h"

#define AT(seconds) "2026-11-24T04:00:" seconds ".000000000Z "
#define SHOWN(seconds) "2026-11-24T04:00:" seconds ".000000Z "

static void put_frame(struct buf *stream, uint8_t source, const char *text)
{
	size_t len = strlen(text);
	uint8_t head[8] = { source, 0, 0, 0, (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len };

	buf_append(stream, head, sizeof head);
	buf_append_cstr(stream, text);
}

/* Feeds in portions, writes, and compares context and content. */
static void check(struct span input, size_t portion, bool is_raw, size_t lines, const char *context,
                  const char *content)
{
	struct container_log *log = container_log_new();
	struct raw_text text;
	bool is_cut;

	assert_non_null(log);
	for (size_t at = 0; at < input.len; at += portion) {
		struct span part = span_sub(input, at, portion);

		assert_int_equal(is_raw ? container_log_add_raw(log, part) : container_log_add_frames(log, part), STATUS_OK);
	}
	raw_text_init(&text, 4 * 1024 * 1024);
	assert_int_equal(container_log_write(log, lines, &text, &is_cut), STATUS_OK);
	assert_false(is_cut);
	assert_int_equal(text.context_len, strlen(context));
	assert_memory_equal(text.bytes.ptr, context, strlen(context));
	assert_string_equal(buf_cstr(&text.bytes) + text.context_len, content);
	raw_text_done(&text);
	container_log_free(log);
}

static void frames_become_lines_in_order_of_time_whatever_the_portions(void **state)
{
	BUF_AUTO stream = BUF_INIT(4096);

	(void)state;
	put_frame(&stream, 1, AT("01") "one\n");
	put_frame(&stream, 1, AT("04") "four, ");
	put_frame(&stream, 2, AT("02") "two\r\n");
	put_frame(&stream, 1, AT("05") "second part\n");
	put_frame(&stream, 2, AT("03") "\n");
	put_frame(&stream, 2, AT("06") "unfinished");
	for (size_t portion = 1; portion <= stream.len; portion++)
		check(buf_span(&stream), portion, false, 3,
		      SHOWN("01") "out one\n" SHOWN("02") "err two\n",
		      SHOWN("03") "err \n" SHOWN("04") "out four, second part\n" SHOWN("06") "err unfinished\n");
}

static void lines_without_a_time_take_that_of_the_line_before(void **state)
{
	BUF_AUTO stream = BUF_INIT(4096);

	(void)state;
	put_frame(&stream, 1, "no time at all\n");
	put_frame(&stream, 1, AT("02") "two\nand three\n");
	check(buf_span(&stream), 5, false, 9, "",
	      "--------------------------- out no time at all\n" SHOWN("02") "out two\n" SHOWN("02") "out and three\n");
}

static void a_terminals_output_is_lines(void **state)
{
	static const char input[] = AT("01") "one\r\n" AT("02") "two\r\n" AT("03") "three";

	(void)state;
	for (size_t portion = 1; portion <= sizeof input; portion++)
		check(SPAN_LIT(AT("01") "one\r\n" AT("02") "two\r\n" AT("03") "three"), portion, true, 2, SHOWN("01") "tty one\n",
		      SHOWN("02") "tty two\n" SHOWN("03") "tty three\n");
}

static void json_lines_are_put_together_and_others_passed_over(void **state)
{
	static const char *const lines[] = {
		"{\"log\":\"half \",\"stream\":\"stdout\",\"time\":\"2026-11-24T04:00:01.5Z\"}\n",
		"{\"log\":\"other\\n\",\"stream\":\"stderr\",\"time\":\"2026-11-24T04:00:02Z\"}\n",
		"garbage\n", "5\n", "{}\n", "{\"log\":7}\n", "",
		"{\"log\":\"whole\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-24T04:00:03+00:00\"}\n",
		"{\"log\":\"cut",
	};
	struct container_log *log = container_log_new();
	struct raw_text text;
	bool is_cut;

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		assert_int_equal(container_log_add_json(log, span_cstr(lines[i])), STATUS_OK);
	raw_text_init(&text, 4096);
	assert_int_equal(container_log_write(log, 9, &text, &is_cut), STATUS_OK);
	assert_string_equal(buf_cstr(&text.bytes),
	                    "2026-11-24T04:00:01.500000Z out half whole\n" SHOWN("02") "err other\n");
	raw_text_done(&text);
	container_log_free(log);
}

static void memory_is_bounded_and_the_cut_is_marked(void **state)
{
	enum { LINE = 10000, LINES = 1000 };
	struct container_log *log = container_log_new();
	char *line = malloc(LINE + 64);
	struct raw_text text;
	BUF_AUTO stream = BUF_INIT(2 * LINE);
	bool is_cut;

	(void)state;
	assert_non_null(line);
	memcpy(line, AT("01"), sizeof AT("01"));
	memset(line + strlen(AT("01")), 'x', LINE);
	memcpy(line + LINE, "\n", 2);
	put_frame(&stream, 1, line);
	for (int i = 0; i < LINES; i++)
		assert_int_equal(container_log_add_frames(log, buf_span(&stream)), STATUS_OK);
	assert_true(container_log_count(log) * LINE <= LIMIT_SECTION_BYTES + LIMIT_SECTION_CONTEXT + LINE);
	raw_text_init(&text, 4 * 1024 * 1024);
	assert_int_equal(container_log_write(log, 200, &text, &is_cut), STATUS_OK);
	assert_true(is_cut);
	assert_true(text.context_len <= LIMIT_SECTION_CONTEXT);
	assert_true(text.bytes.len - text.context_len <= LIMIT_SECTION_BYTES + 64);
	assert_non_null(strstr(buf_cstr(&text.bytes), "lines before the first line]\n"));
	raw_text_done(&text);
	container_log_free(log);
	free(line);
}

static void a_line_longer_than_a_section_is_left_out_whole(void **state)
{
	struct container_log *log = container_log_new();
	struct raw_text text;
	bool is_cut;
	char part[4096];

	(void)state;
	memset(part, 's', sizeof part);
	for (int i = 0; i < 600; i++)
		assert_int_equal(container_log_add_raw(log, span_of(part, sizeof part)), STATUS_OK);
	assert_int_equal(container_log_add_raw(log, SPAN_LIT("end\n" AT("02") "next\n")), STATUS_OK);
	raw_text_init(&text, 4096);
	assert_int_equal(container_log_write(log, 9, &text, &is_cut), STATUS_OK);
	assert_non_null(strstr(buf_cstr(&text.bytes),
	                       "tty [cut: a line that is longer than a section]\n" SHOWN("02") "tty next"));
	assert_null(strstr(buf_cstr(&text.bytes), "sss"));
	raw_text_done(&text);
	container_log_free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_become_lines_in_order_of_time_whatever_the_portions),
		cmocka_unit_test(lines_without_a_time_take_that_of_the_line_before),
		cmocka_unit_test(a_terminals_output_is_lines),
		cmocka_unit_test(json_lines_are_put_together_and_others_passed_over),
		cmocka_unit_test(memory_is_bounded_and_the_cut_is_marked),
		cmocka_unit_test(a_line_longer_than_a_section_is_left_out_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

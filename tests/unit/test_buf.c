#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "shared/buf.h"
static void buf_keeps_what_is_appended_and_ends_it_with_a_nul(void **state)
{
	BUF_AUTO buf = BUF_INIT(100);

	(void)state;
	assert_string_equal(buf_cstr(&buf), "");
	buf_append_cstr(&buf, "ab");
	buf_append_byte(&buf, 'c');
	buf_printf(&buf, "%d", 42);
	assert_int_equal(buf_status(&buf), STATUS_OK);
	assert_string_equal(buf_cstr(&buf), "abc42");
	assert_int_equal(buf.len, 5);
}

static void buf_refuses_the_first_byte_over_its_maximum_and_remembers(void **state)
{
	BUF_AUTO buf = BUF_INIT(4);

	(void)state;
	buf_append_cstr(&buf, "1234");
	assert_int_equal(buf_status(&buf), STATUS_OK);
	buf_append_byte(&buf, '5');
	assert_int_equal(buf_status(&buf), STATUS_TOO_LARGE);
	assert_int_equal(buf.len, 4);
	buf_consume(&buf, 4);
	buf_append_byte(&buf, '6');
	assert_int_equal(buf.len, 0); /* the error sticks */
	buf_reset(&buf);
	buf_append_byte(&buf, '6');
	assert_string_equal(buf_cstr(&buf), "6");
}

static void buf_grows_in_every_step_size(void **state)
{
	(void)state;
	for (size_t step = 1; step < 700; step += 13) {
		BUF_AUTO buf = BUF_INIT(100000);
		uint8_t chunk[700];

		memset(chunk, 'x', sizeof chunk);
		for (size_t n = 0; n < 50; n++)
			buf_append(&buf, chunk, step);
		assert_int_equal(buf.len, 50 * step);
		assert_int_equal(buf_status(&buf), STATUS_OK);
	}
}

static void buf_take_moves_the_content_out(void **state)
{
	BUF_AUTO buf = BUF_INIT(10);
	BUF_AUTO taken = BUF_INIT(1);

	(void)state;
	buf_append_cstr(&buf, "abc");
	buf_take(&buf, &taken);
	assert_string_equal(buf_cstr(&taken), "abc");
	assert_int_equal(buf.len, 0);
	buf_append_cstr(&buf, "0123456789");
	assert_int_equal(buf_status(&buf), STATUS_OK);
}

static void span_finds_and_cuts(void **state)
{
	struct span text = SPAN_LIT("one two one"), rest = SPAN_LIT("a\nb\nc"), line;
	uint64_t number;

	(void)state;
	assert_int_equal(span_find(text, SPAN_LIT("one"), 0), 0);
	assert_int_equal(span_find(text, SPAN_LIT("one"), 1), 8);
	assert_int_equal(span_find(text, SPAN_LIT("four"), 0), text.len);
	assert_int_equal(span_find(text, SPAN_LIT("e"), 100), text.len);
	assert_int_equal(span_sub(text, 8, 100).len, 3);
	assert_int_equal(span_sub(text, 100, 1).len, 0);
	assert_true(span_eq_nocase(SPAN_LIT("Content-Length"), SPAN_LIT("content-LENGTH")));
	assert_false(span_eq_nocase(SPAN_LIT("a"), SPAN_LIT("b")));
	assert_true(span_next_line(&rest, &line) && span_eq(line, SPAN_LIT("a\n")));
	assert_true(span_next_line(&rest, &line) && span_next_line(&rest, &line) && span_eq(line, SPAN_LIT("c")));
	assert_false(span_next_line(&rest, &line));
	assert_true(span_to_u64(SPAN_LIT("18446744073709551615"), &number) && number == UINT64_MAX);
	assert_false(span_to_u64(SPAN_LIT("18446744073709551616"), &number));
	assert_false(span_to_u64(SPAN_LIT(""), &number));
	assert_false(span_to_u64(SPAN_LIT("-1"), &number));
	assert_false(span_to_u64(SPAN_LIT("1 "), &number));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buf_keeps_what_is_appended_and_ends_it_with_a_nul),
		cmocka_unit_test(buf_refuses_the_first_byte_over_its_maximum_and_remembers),
		cmocka_unit_test(buf_grows_in_every_step_size),
		cmocka_unit_test(buf_take_moves_the_content_out),
		cmocka_unit_test(span_finds_and_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

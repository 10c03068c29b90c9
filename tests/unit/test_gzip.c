#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "shared/gzip.h"
static void gzip_gives_back_what_it_packed(void **state)
{
	static const size_t sizes[] = { 0, 1, 100, 32767, 32768, 32769, 1000000 };

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		BUF_AUTO plain = BUF_INIT(1000000);
		BUF_AUTO packed = BUF_INIT(2000000);
		BUF_AUTO again = BUF_INIT(1000000);

		for (size_t n = 0; n < sizes[i]; n++)
			buf_append_byte(&plain, (uint8_t)(n * n >> 7));
		assert_int_equal(gzip_compress(buf_span(&plain), &packed), STATUS_OK);
		assert_int_equal(gzip_expand(buf_span(&packed), &again), STATUS_OK);
		assert_true(span_eq(buf_span(&plain), buf_span(&again)));
	}
}

static void gzip_stops_a_bomb_at_the_cap(void **state)
{
	BUF_AUTO plain = BUF_INIT(10000000);
	BUF_AUTO packed = BUF_INIT(100000);
	BUF_AUTO again = BUF_INIT(100000);
	uint8_t *room;

	(void)state;
	assert_int_equal(buf_reserve(&plain, 10000000, &room), STATUS_OK);
	memset(room, 0, 10000000);
	buf_commit(&plain, 10000000);
	assert_int_equal(gzip_compress(buf_span(&plain), &packed), STATUS_OK);
	assert_int_equal(gzip_expand(buf_span(&packed), &again), STATUS_TOO_LARGE);
	assert_true(again.len <= 100000);
}

static void gzip_refuses_every_truncation_and_anything_behind(void **state)
{
	BUF_AUTO packed = BUF_INIT(1000);

	(void)state;
	assert_int_equal(gzip_compress(SPAN_LIT("hello hello hello"), &packed), STATUS_OK);
	for (size_t len = 0; len < packed.len; len++) {
		BUF_AUTO out = BUF_INIT(1000);

		assert_int_equal(gzip_expand(span_of(packed.ptr, len), &out), STATUS_INVALID);
	}
	buf_append_byte(&packed, 0);
	{
		BUF_AUTO out = BUF_INIT(1000);

		assert_int_equal(gzip_expand(buf_span(&packed), &out), STATUS_INVALID);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gzip_gives_back_what_it_packed),
		cmocka_unit_test(gzip_stops_a_bomb_at_the_cap),
		cmocka_unit_test(gzip_refuses_every_truncation_and_anything_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

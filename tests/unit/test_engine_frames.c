#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "agent/collect/engine_frames.h"
#include "shared/buf.h"

/* "hello out\n" on stdout, nothing on stdout, "err\n" on stderr, as a real Engine sends them. */
static const uint8_t stream[] = {
	1, 0, 0, 0, 0, 0, 0, 10, 'h', 'e', 'l', 'l', 'o', ' ', 'o', 'u', 't', '\n',
	1, 0, 0, 0, 0, 0, 0, 0,
	2, 0, 0, 0, 0, 0, 0, 4, 'e', 'r', 'r', '\n',
};

/* Feeds `portion` bytes at a time; writes "<stream>payload" with a bar behind each frame. */
static enum status read_all(struct span input, size_t portion, struct buf *out, struct engine_frames *frames)
{
	enum status status = STATUS_AGAIN;
	int last = -1;

	for (size_t at = 0; at < input.len && status == STATUS_AGAIN; at += portion) {
		struct span rest = span_sub(input, at, portion);
		struct engine_piece piece;

		while ((status = engine_frames_next(frames, &rest, &piece)) == STATUS_OK) {
			if (last != (int)piece.stream)
				buf_printf(out, "<%d>", (int)piece.stream);
			last = piece.ends_frame ? -1 : (int)piece.stream;
			buf_append_span(out, piece.bytes);
			if (piece.ends_frame)
				buf_append_byte(out, '|');
		}
	}
	return status;
}

static void frames_are_the_same_in_portions_of_any_size(void **state)
{
	(void)state;
	for (size_t portion = 1; portion <= sizeof stream; portion++) {
		struct engine_frames frames = { 0 };
		BUF_AUTO out = BUF_INIT(1024);

		assert_int_equal(read_all(span_of(stream, sizeof stream), portion, &out, &frames), STATUS_AGAIN);
		assert_string_equal(buf_cstr(&out), "<1>hello out\n|<2>err\n|");
		assert_true(engine_frames_is_whole(&frames));
	}
}

static void frames_say_when_the_input_ends_too_early(void **state)
{
	(void)state;
	for (size_t len = 0; len <= sizeof stream; len++) {
		struct engine_frames frames = { 0 };
		BUF_AUTO out = BUF_INIT(1024);
		bool is_boundary = len == 0 || len == 18 || len == 26 || len == sizeof stream;

		(void)!read_all(span_of(stream, len), sizeof stream, &out, &frames);
		assert_int_equal(engine_frames_is_whole(&frames), is_boundary);
	}
}

static void frames_refuse_what_is_no_header(void **state)
{
	static const uint8_t bad[][8] = {
		{ 4, 0, 0, 0, 0, 0, 0, 1 }, { 'h', 'e', 'l', 'l', 'o', ' ', 'o', 'u' }, { 1, 1, 0, 0, 0, 0, 0, 1 },
		{ 1, 0, 0, 1, 0, 0, 0, 1 }, { 255, 0, 0, 0, 0, 0, 0, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct engine_frames frames = { 0 };
		struct span again = span_of(stream, sizeof stream);
		struct engine_piece piece;
		BUF_AUTO out = BUF_INIT(1024);

		assert_int_equal(read_all(span_of(bad[i], 8), 3, &out, &frames), STATUS_INVALID);
		assert_int_equal(engine_frames_next(&frames, &again, &piece), STATUS_INVALID);
		assert_false(engine_frames_is_whole(&frames));
	}
}

static void frames_of_four_gigabytes_are_given_out_as_they_come(void **state)
{
	static const uint8_t head[] = { 1, 0, 0, 0, 255, 255, 255, 255, 'x' };
	struct engine_frames frames = { 0 };
	struct span rest = span_of(head, sizeof head);
	struct engine_piece piece;

	(void)state;
	assert_int_equal(engine_frames_next(&frames, &rest, &piece), STATUS_OK);
	assert_int_equal(piece.bytes.len, 1);
	assert_false(piece.ends_frame);
	assert_int_equal(engine_frames_next(&frames, &rest, &piece), STATUS_AGAIN);
	assert_false(engine_frames_is_whole(&frames));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_the_same_in_portions_of_any_size),
		cmocka_unit_test(frames_say_when_the_input_ends_too_early),
		cmocka_unit_test(frames_refuse_what_is_no_header),
		cmocka_unit_test(frames_of_four_gigabytes_are_given_out_as_they_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

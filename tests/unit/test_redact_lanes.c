/*
 * What looks at many bytes at once gives what looking at one after the other gives, wherever the text begins and ends.
 * The same source is built a second time without vectors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared/redact/chars.h"
#include "shared/redact/prefilter.h"
#include "shared/redact/runs.h"
#include "shared/redact/utf8.h"

enum { ROUNDS = 4000, MAX_LEN = 300 };

static uint64_t seed = 42;

static size_t draw(size_t below)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (size_t)(seed >> 33) % below;
}

/*
 * `len` bytes that are the caller's to free, so that a look behind their end is seen by the sanitizers. Stretches of one
 * kind make runs of every length likely.
 */
static uint8_t *make_text(size_t len)
{
	static const char *const kinds[] = { "abcXYZ019+/=-_", " :.,\"\n", "passwordtokenkey", "\x80\xC3\xA9\xEF\xBF\xBD\x01" };
	uint8_t *text = malloc(len + (len == 0));
	const char *kind = kinds[0];

	assert_non_null(text);
	for (size_t i = 0, left = 0; i < len; i++, left--) {
		if (left == 0) {
			kind = kinds[draw(sizeof kinds / sizeof *kinds)];
			left = 1 + draw(70);
		}
		text[i] = (uint8_t)kind[draw(strlen(kind))];
	}
	return text;
}

/* Calls `check` on many texts. */
static void each_text(void (*check)(struct span text))
{
	for (int i = 0; i < ROUNDS; i++) {
		size_t len = draw(MAX_LEN);
		uint8_t *text = make_text(len);

		check(span_of(text, len));
		free(text);
	}
}

static bool next_run(struct span text, size_t from, size_t *ret_start, size_t *ret_end)
{
	for (size_t start = from; start < text.len; start++) {
		size_t end = start;

		while (end < text.len && runs_is_member(text.ptr[end]))
			end++;
		if (end - start >= RUNS_MIN) {
			*ret_start = start;
			*ret_end = end;
			return true;
		}
		start = end;
	}
	return false;
}

static void check_runs(struct span text)
{
	size_t start, end, wanted_start, wanted_end;
	bool found;

	for (size_t from = 0; from <= text.len; from++) {
		found = next_run(text, from, &wanted_start, &wanted_end);
		assert_int_equal(runs_next(text, from, &start, &end), found);
		if (!found)
			return;
		assert_int_equal(start, wanted_start);
		assert_int_equal(end, wanted_end);
	}
}

static void lanes_find_every_run(void **state)
{
	(void)state;
	each_text(check_runs);
}

static void check_counts(struct span text)
{
	struct char_counts counts = chars_count(text), wanted = { 0 };

	for (size_t i = 0; i < text.len; i++) {
		wanted.lower += is_lower(text.ptr[i]);
		wanted.upper += is_upper(text.ptr[i]);
		wanted.digits += is_digit(text.ptr[i]);
	}
	assert_int_equal(counts.lower, wanted.lower);
	assert_int_equal(counts.upper, wanted.upper);
	assert_int_equal(counts.digits, wanted.digits);
}

static void lanes_count_every_byte_once(void **state)
{
	(void)state;
	each_text(check_counts);
}

static void check_find(struct span text)
{
	size_t from = draw(text.len + 1), first = from, last = text.len;

	while (first < text.len && text.ptr[first] != 'X')
		first++;
	assert_int_equal(chars_find(text, 'X', from), first);
	while (last > from && text.ptr[last - 1] != 'X')
		last--;
	assert_int_equal(chars_find_last(text, 'X', from, text.len), last > from ? last - 1 : text.len);
}

static void lanes_find_a_byte(void **state)
{
	(void)state;
	each_text(check_find);
}

/* The bits of those keywords that stand at `at`. */
static unsigned keywords_at(struct span text, size_t at, const char *const *keywords, size_t count)
{
	unsigned found = 0;

	for (size_t k = 0; k < count; k++) {
		struct span keyword = span_cstr(keywords[k]);

		if (span_eq_nocase(span_sub(text, at, keyword.len), keyword))
			found |= 1U << k;
	}
	return found;
}

static void check_keywords(struct span text)
{
	static const char *const keywords[] = { "key", "pass", "password", "token", "019", "=-_", ".,\"", "tokenkey" };
	enum { COUNT = sizeof keywords / sizeof *keywords };
	unsigned found[MAX_LEN] = { 0 };
	struct prefilter *filter = prefilter_new();
	struct prefilter_cursor cursor = { 0 };
	uint32_t id;

	assert_non_null(filter);
	for (uint32_t k = 0; k < COUNT; k++)
		assert_int_equal(prefilter_add(filter, span_cstr(keywords[k]), true, k), STATUS_OK);
	while (prefilter_next(filter, text, &cursor, &id)) {
		assert_int_equal(found[cursor.at] & 1U << id, 0);
		found[cursor.at] |= 1U << id;
	}
	for (size_t at = 0; at < text.len; at++)
		assert_int_equal(found[at], keywords_at(text, at, keywords, COUNT));
	prefilter_free(filter);
}

static void lanes_find_every_keyword_once(void **state)
{
	(void)state;
	each_text(check_keywords);
}

/* Repaired text is valid, and the same when it was valid before. */
static void check_repair(struct span text)
{
	struct buf once = BUF_INIT(3 * MAX_LEN), twice = BUF_INIT(3 * MAX_LEN);
	size_t valid = utf8_valid_len(text);

	utf8_repair(text, &once);
	assert_int_equal(buf_status(&once), STATUS_OK);
	assert_int_equal(utf8_valid_len(buf_span(&once)), once.len);
	assert_true(span_starts_with(buf_span(&once), span_sub(text, 0, valid)));
	if (valid < text.len)
		assert_true(span_starts_with(span_sub(buf_span(&once), valid, 3), SPAN_LIT("\xEF\xBF\xBD")));
	utf8_repair(buf_span(&once), &twice);
	assert_true(span_eq(buf_span(&once), buf_span(&twice)));
	buf_done(&once);
	buf_done(&twice);
}

static void lanes_repair_what_is_not_utf8(void **state)
{
	(void)state;
	each_text(check_repair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lanes_find_every_run),          cmocka_unit_test(lanes_count_every_byte_once),
		cmocka_unit_test(lanes_find_a_byte),             cmocka_unit_test(lanes_find_every_keyword_once),
		cmocka_unit_test(lanes_repair_what_is_not_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

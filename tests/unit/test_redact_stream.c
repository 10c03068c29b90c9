#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared/redact/stream.h"
#include "tests/unit/redact_fixture.h"

static enum status collect(void *ctx, const struct clean_text *text)
{
	struct buf *out = ctx;

	buf_append_span(out, clean_text_span(text));
	return buf_status(out);
}

static void stream_all(struct span text, size_t step, struct buf *ret_out)
{
	struct redact_stream *stream = redact_stream_new(redactor, NULL, collect, ret_out);

	assert_non_null(stream);
	for (size_t at = 0; at < text.len; at += step)
		assert_int_equal(redact_stream_feed(stream, span_sub(text, at, step), NULL), STATUS_OK);
	assert_int_equal(redact_stream_finish(stream, NULL), STATUS_OK);
	redact_stream_free(stream);
}

static const char sample[] =
	"start \xC3\xA9\nexport OPENAI_API_KEY=sk-1234567890abcdefgh\n"
	"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEA\n-----END PRIVATE KEY-----\n"
	"https://u:s3cret99@h/ \xFF\xE2\x82 end \xF0\x9F\x98\x80\n";
static const char expected[] =
	"start \xC3\xA9\nexport OPENAI_API_KEY=[REDACTED:API_KEY]\n"
	"[REDACTED:PRIVATE_KEY]\n"
	"https://u:[REDACTED:URL_PASSWORD]@h/ \xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD end \xF0\x9F\x98\x80\n";

static void redact_masks_the_same_wherever_reads_split_the_text(void **state)
{
	struct span text = span_cstr(sample);

	(void)state;
	for (size_t split = 0; split <= text.len; split++) {
		struct buf out = BUF_INIT(1 << 20);
		struct redact_stream *stream = redact_stream_new(redactor, NULL, collect, &out);

		assert_int_equal(redact_stream_feed(stream, span_sub(text, 0, split), NULL), STATUS_OK);
		assert_int_equal(redact_stream_feed(stream, span_sub(text, split, text.len), NULL), STATUS_OK);
		assert_int_equal(redact_stream_finish(stream, NULL), STATUS_OK);
		redact_stream_free(stream);
		assert_string_equal(buf_cstr(&out), expected);
		buf_done(&out);
	}
	for (size_t step = 1; step < 8; step++) {
		struct buf out = BUF_INIT(1 << 20);

		stream_all(text, step, &out);
		assert_string_equal(buf_cstr(&out), expected);
		buf_done(&out);
	}
}

/* Wherever the window's edge falls in or near the secret, it is masked and nothing else is changed. */
static void check_at_every_edge(const char *secret, const char *gone, const char *mask, size_t step)
{
	const size_t edge = STREAM_WINDOW - STREAM_AHEAD, len = strlen(secret);
	const size_t size = STREAM_WINDOW + STREAM_AHEAD;
	uint8_t *bytes = malloc(size);

	assert_non_null(bytes);
	for (size_t at = edge - len - 2; at < edge + 4; at += step) {
		struct buf out = BUF_INIT(4 << 20);
		struct span text = span_of(bytes, size);

		memset(bytes, '.', size);
		for (size_t i = 99; i < size; i += 100)
			bytes[i] = '\n';
		memcpy(bytes + at, secret, len);
		stream_all(text, 50000, &out);
		if (span_find(buf_span(&out), span_cstr(gone), 0) < out.len)
			fail_msg("%s comes out at %zu", gone, at);
		assert_true(span_find(buf_span(&out), span_cstr(mask), 0) < out.len);
		assert_int_equal(out.len, size - strlen(gone) + strlen(mask));
		buf_done(&out);
	}
	free(bytes);
}

static void redact_masks_a_secret_at_every_place_of_the_window_edge(void **state)
{
	(void)state;
	assert_int_equal(redactor_add_value(redactor, SPAN_LIT("blue whale nine"), "KNOWN_VALUE"), STATUS_OK);
	check_at_every_edge(" see AKIA2J5PH6W7ZD2LV4ZP\n", "AKIA2J5PH6W7ZD2LV4ZP", "[REDACTED:AWS_ACCESS_KEY]", 1);
	check_at_every_edge("\nexport A_TOKEN=hunter22\n", "hunter22", "[REDACTED:TOKEN]", 1);
	check_at_every_edge(" say blue whale nine\n", "blue whale nine", "[REDACTED:KNOWN_VALUE]", 1);
	check_at_every_edge(" x dXNlcjogYm9iCnBhc3N3b3JkOiBodW50ZXIyMgo=\n", "dXNlcjogYm9iCnBhc3N3b3JkOiBodW50ZXIyMgo=",
	                    "[REDACTED:PASSWORD]", 1);
	check_at_every_edge("\n-----BEGIN PRIVATE KEY-----\n"
	                    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDAC4AWkdwKYSd8\n"
	                    "Ks14IReLcYgADhoXk56ZzXI7Ks14IReLcYgADhoXk56ZzXI7Ks14IReLcYgADhoX\n"
	                    "-----END PRIVATE KEY-----\n",
	                    "-----BEGIN PRIVATE KEY-----\n"
	                    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDAC4AWkdwKYSd8\n"
	                    "Ks14IReLcYgADhoXk56ZzXI7Ks14IReLcYgADhoXk56ZzXI7Ks14IReLcYgADhoX\n"
	                    "-----END PRIVATE KEY-----",
	                    "[REDACTED:PRIVATE_KEY]", 3);
}

static void redact_streams_one_endless_line(void **state)
{
	const size_t size = 3 * STREAM_WINDOW;
	uint8_t *bytes = malloc(size);
	struct buf out = BUF_INIT(8 << 20);

	(void)state;
	assert_non_null(bytes);
	memset(bytes, ' ', size);
	memcpy(bytes + 2 * STREAM_WINDOW - 7, "ghp_ABCDEFGH1234567890", 22);
	stream_all(span_of(bytes, size), 1 << 18, &out);
	assert_true(span_find(buf_span(&out), SPAN_LIT("ghp_"), 0) == out.len);
	assert_int_equal(out.len, size - 22 + strlen("[REDACTED:GITHUB_TOKEN]"));
	free(bytes);
	buf_done(&out);
}

static void redact_treats_a_stream_of_one_assignment_as_whole(void **state)
{
	struct buf out = BUF_INIT(1 << 20);

	(void)state;
	stream_all(SPAN_LIT("DATABASE_SECRET=supersecret"), 3, &out);
	assert_string_equal(buf_cstr(&out), "[REDACTED:SECRET]");
	buf_done(&out);
}

static enum status refuse(void *ctx, const struct clean_text *text)
{
	(void)ctx;
	(void)text;
	return STATUS_SYSTEM;
}

static void redact_stops_a_stream_for_good_when_it_fails(void **state)
{
	struct redact_stream *stream = redact_stream_new(redactor, NULL, refuse, NULL);

	(void)state;
	assert_int_equal(redact_stream_feed(stream, SPAN_LIT("abc"), NULL), STATUS_OK);
	assert_int_equal(redact_stream_finish(stream, NULL), STATUS_WITHHELD);
	assert_int_equal(redact_stream_feed(stream, SPAN_LIT("abc"), NULL), STATUS_WITHHELD);
	redact_stream_free(stream);
	stream = redact_stream_new(NULL, NULL, refuse, NULL);
	assert_int_equal(redact_stream_feed(stream, SPAN_LIT("abc"), NULL), STATUS_WITHHELD);
	redact_stream_free(stream);
}

static void count(void *ctx, const char *rule, size_t times)
{
	size_t *total = ctx;

	*total += times * (strcmp(rule, "key-name") == 0 ? 10 : 1);
}

static void redact_says_which_rule_masked_what_and_where(void **state)
{
	struct raw_text raw;
	struct clean_text *clean = NULL;
	struct redact_tags *tags = redact_tags_new();
	const struct redact_masking *list;
	size_t total = 0;

	(void)state;
	raw_text_init(&raw, 4096);
	buf_append_cstr(&raw.bytes, "ok\nlogin token: abc123def\n  https://u:s3cret99@h/ TOKEN=abc123def\n");
	assert_int_equal(redact_text_tagged(redactor, tags, &raw, &clean, NULL), STATUS_OK);
	assert_true(span_eq(clean_text_span(clean), SPAN_LIT("ok\nlogin token: [REDACTED:TOKEN#1]\n"
	                                                     "  https://u:[REDACTED:URL_PASSWORD#2]@h/ "
	                                                     "TOKEN=[REDACTED:TOKEN#1]\n")));
	assert_int_equal(clean_text_maskings(clean, &list), 3);
	assert_string_equal(list[0].rule, "key-name");
	assert_int_equal(list[0].line, 2);
	assert_int_equal(list[0].column, 14);
	assert_string_equal(list[1].rule, "url-credentials");
	assert_int_equal(list[1].line, 3);
	assert_int_equal(list[1].column, 13);
	clean_text_each_rule(clean, count, &total);
	assert_int_equal(total, 21);
	clean_text_free(clean);
	redact_tags_free(tags);
	raw_text_done(&raw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(redact_masks_the_same_wherever_reads_split_the_text),
		cmocka_unit_test(redact_masks_a_secret_at_every_place_of_the_window_edge),
		cmocka_unit_test(redact_streams_one_endless_line),
		cmocka_unit_test(redact_treats_a_stream_of_one_assignment_as_whole),
		cmocka_unit_test(redact_stops_a_stream_for_good_when_it_fails),
		cmocka_unit_test(redact_says_which_rule_masked_what_and_where),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "shared/gzip.h"
#include "sweeper/console/aws.h"
#include "sweeper/console/aws_answer.h"
#include "sweeper/console/console_record.h"

static void text_is_the_first_leaf_of_that_name(void **state)
{
	static const struct {
		const char *body, *name, *text; /* NULL: none */
	} table[] = {
		{ "<a><b>x</b></a>", "b", "x" },
		{ "<a><b></b><b>y</b></a>", "b", "" },
		{ "<a><b>x</b></a>", "a", NULL },
		{ "<b>x&amp;y</b>", "b", NULL },
		{ "<b>x", "b", NULL },
		{ "x</b>", "b", NULL },
		{ "<bb>x</bb>", "b", NULL },
		{ "<b/>", "b", NULL },
		{ "", "b", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct span text;
		bool found = aws_answer_text(span_cstr(table[i].body), table[i].name, &text);

		assert_int_equal(found, table[i].text != NULL);
		if (found)
			assert_true(span_eq(text, span_cstr(table[i].text)));
	}
}

static void code_is_plain_or_nothing(void **state)
{
	char code[AWS_CODE_SIZE];
	char longest[200];

	(void)state;
	aws_answer_code(SPAN_LIT("<Error><Code>InvalidInstanceID.NotFound</Code></Error>"), code);
	assert_string_equal(code, "InvalidInstanceID.NotFound");
	aws_answer_code(SPAN_LIT("<Code>a b</Code>"), code);
	assert_string_equal(code, "");
	aws_answer_code(SPAN_LIT("<Code>\n</Code>"), code);
	assert_string_equal(code, "");
	aws_answer_code(SPAN_LIT("502 Bad Gateway"), code);
	assert_string_equal(code, "");
	(void)snprintf(longest, sizeof longest, "<Code>%0100d</Code>", 7);
	aws_answer_code(span_cstr(longest), code);
	assert_string_equal(code, "");
}

static void console_output_is_strict_base64(void **state)
{
	static const struct {
		const char *body;
		enum status status;
		const char *output;
	} table[] = {
		{ "<output>aGVsbG8K</output>", STATUS_OK, "hello\n" },
		{ "<output>aGVs\nbG8K\n</output>", STATUS_OK, "hello\n" },
		{ "<output>aGVsbG8=</output>", STATUS_OK, "hello" },
		{ "<output>aGVsbA==</output>", STATUS_OK, "hell" },
		{ "<output></output>", STATUS_NOT_FOUND, "" },
		{ "<output>\n</output>", STATUS_NOT_FOUND, "" },
		{ "<instanceId>i-1</instanceId>", STATUS_NOT_FOUND, "" },
		{ "<output>aGVsbG8</output>", STATUS_INVALID, "" },
		{ "<output>aGVs====</output>", STATUS_INVALID, "" },
		{ "<output>a===</output>", STATUS_INVALID, "" },
		{ "<output>aG=sbG8K</output>", STATUS_INVALID, "" },
		{ "<output>aGVs-G8K</output>", STATUS_INVALID, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		BUF_AUTO output = BUF_INIT(LIMIT_AWS_ANSWER);

		assert_int_equal(aws_answer_console(span_cstr(table[i].body), &output), table[i].status);
		if (table[i].status == STATUS_OK)
			assert_true(span_eq(buf_span(&output), span_cstr(table[i].output)));
	}
}

static void console_output_keeps_its_end(void **state)
{
	BUF_AUTO body = BUF_INIT(LIMIT_AWS_ANSWER * 2);
	BUF_AUTO output = BUF_INIT(LIMIT_AWS_ANSWER);

	(void)state;
	buf_append_cstr(&body, "<output>");
	for (size_t i = 0; i < LIMIT_CONSOLE_OUTPUT / 3 + 10; i++)
		buf_append_cstr(&body, "QUJD");
	buf_append_cstr(&body, "ZW5k</output>");
	assert_int_equal(aws_answer_console(buf_span(&body), &output), STATUS_OK);
	assert_int_equal(output.len, LIMIT_CONSOLE_OUTPUT);
	assert_memory_equal(output.ptr + output.len - 3, "end", 3);
}

static void instance_ids_are_ec2s(void **state)
{
	static const char *const bad[] = { "", "i-", "i-0abc", "0123456789abcdef0", "i-0123456789ABCDEF0", "i-01234567&x",
	                                   "i-0123456789abcdef0123456789abcdef0" };

	(void)state;
	assert_true(aws_is_instance_id(SPAN_LIT("i-0123456789abcdef0")));
	assert_true(aws_is_instance_id(SPAN_LIT("i-1a2b3c4d")));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(aws_is_instance_id(span_cstr(bad[i])));
}

static void record_without_a_redactor_is_withheld(void **state)
{
	static const char line[] =
		"{\"ts\":\"2026-01-31T00:00:00.000000Z\",\"event_type\":\"rescue.bundle\",\"kind\":\"rescue\",\"org\":\"acme\","
		"\"workspace_id\":\"ws-1\",\"instance_id\":\"i-1\",\"capture_id\":\"11111111-2222-4333-8444-555555555555\","
		"\"reason\":\"provision_timeout_sweep\",\"section\":\"verdict\",\"part\":1,\"parts\":1,"
		"\"outcome\":\"unreachable\",\"redacted\":true,\"redactions\":0,\"sha256\":"
		"\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\",\"content\":\"\"}\n";
	BUF_AUTO packed = BUF_INIT(LIMIT_BUNDLE_GZIP);
	BUF_AUTO both = BUF_INIT(LIMIT_BUNDLE_GZIP);
	BUF_AUTO plain = BUF_INIT(LIMIT_BUNDLE_BYTES);
	BUF_AUTO again = BUF_INIT(LIMIT_BUNDLE_GZIP);
	struct raw_text content;
	struct err err = ERR_INIT;

	(void)state;
	raw_text_init(&content, LIMIT_AWS_ANSWER);
	buf_append_cstr(&content.bytes, "password=hunter2hunter2\n");
	assert_int_equal(gzip_compress(span_of(line, sizeof line - 1), &packed), STATUS_OK);
	assert_int_equal(console_record_add(buf_span(&packed), NULL, OUTCOME_OK, &content, &both, &err), STATUS_OK);
	assert_int_equal(gzip_expand(buf_span(&both), &plain), STATUS_OK);
	assert_true(span_starts_with(buf_span(&plain), span_of(line, sizeof line - 1)));
	assert_non_null(strstr(buf_cstr(&plain), "\"section\":\"console-output\""));
	assert_non_null(strstr(buf_cstr(&plain), "\"outcome\":\"withheld\""));
	assert_null(strstr(buf_cstr(&plain), "hunter2"));
	/* It is added once. */
	assert_int_equal(console_record_add(buf_span(&both), NULL, OUTCOME_OK, &content, &again, &err), STATUS_INVALID);
	raw_text_done(&content);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_the_first_leaf_of_that_name),
		cmocka_unit_test(code_is_plain_or_nothing),
		cmocka_unit_test(console_output_is_strict_base64),
		cmocka_unit_test(console_output_keeps_its_end),
		cmocka_unit_test(instance_ids_are_ec2s),
		cmocka_unit_test(record_without_a_redactor_is_withheld),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared/gzip.h"
#include "tests/unit/redact_fixture.h"

static void to_base64(struct span bytes, struct buf *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < bytes.len; i += 3) {
		uint32_t group = 0;

		for (size_t k = 0; k < 3; k++)
			group = group << 8 | (i + k < bytes.len ? bytes.ptr[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			buf_append_byte(out, i + k > bytes.len ? '=' : (uint8_t)digits[group >> (18 - 6 * k) & 63]);
	}
}

static void redact_sees_through_colour_codes(void **state)
{
	(void)state;
	check_text("\033[1mMY_TOKEN\033[0m=\033[32mabc\033[0mdef123 x\n", "\033[1mMY_TOKEN\033[0m=\033[32m[REDACTED:TOKEN]\n");
	check_text("using gh\033[1mp_ABCDEFGH\033[0m1234567890 now", "using [REDACTED:GITHUB_TOKEN] now");
	check_text("{\"log\":\"\\u001b[32mpassword\\u001b[0m: hunter22x\\n\"}",
	      "{\"log\":\"\\u001b[32mpassword\\u001b[0m: [REDACTED:PASSWORD]\\n\"}");
	check_text("\033[32mall good\033[0m\n", "\033[32mall good\033[0m\n");
}

static void redact_sees_through_percent_and_json_escapes(void **state)
{
	(void)state;
	check_text("GET /?q=password%3Dabcdefg1%26x%3D1", "GET /?q=password%3D[REDACTED:PASSWORD]%26x%3D1");
	check_text("to=https%3A%2F%2Fbob%3Ahunter22%40h%2F", "to=https%3A%2F%2Fbob%3A[REDACTED:URL_PASSWORD]%40h%2F");
	check_text("\"password\\u003dhunter22\"", "\"password\\u003d[REDACTED:PASSWORD]\"");
	check_text("libstdc++6_12.2.0-14%3a1_amd64.deb", "libstdc++6_12.2.0-14%3a1_amd64.deb");
}

static void redact_sees_through_letters_that_are_all_escaped(void **state)
{
	static const char text[] = "password=hunter22";
	struct buf in = BUF_INIT(4096);

	(void)state;
	for (size_t i = 0; text[i] != '\0'; i++)
		buf_printf(&in, "\\u%04x", (unsigned)text[i]);
	check_text(buf_cstr(&in), "\\u0070\\u0061\\u0073\\u0073\\u0077\\u006f\\u0072\\u0064\\u003d[REDACTED:PASSWORD]");
	check_text("&#112;assword&#x3A;&#104;unter2&#x32;", "&#112;assword&#x3A;[REDACTED:PASSWORD]");
	buf_done(&in);
}

/* Every letter of a key is written as an escape: longer than any window that a few escapes need. */
static void redact_masks_a_key_of_which_every_letter_is_escaped(void **state)
{
	struct buf in = BUF_INIT(65536);
	struct clean_text *clean = NULL;
	BUF_AUTO key = BUF_INIT(4096);

	(void)state;
	buf_append_cstr(&key, "-----BEGIN RSA PRIVATE KEY-----\n");
	for (unsigned line = 0; line < 25; line++) {
		for (unsigned i = 0; i < 64; i++)
			buf_append_byte(&key, (uint8_t)('A' + (i * 7 + line * 11) % 26));
		buf_append_byte(&key, '\n');
	}
	buf_append_cstr(&key, "-----END RSA PRIVATE KEY-----\n");
	buf_append_cstr(&in, "{\"pem\":\"");
	for (size_t i = 0; i < key.len; i++)
		buf_printf(&in, "\\u%04x", (unsigned)key.ptr[i]);
	buf_append_cstr(&in, "\"}");
	assert_int_equal(redact_span(redactor, buf_span(&in), &clean, NULL), STATUS_OK);
	assert_true(span_eq(clean_text_span(clean), SPAN_LIT("{\"pem\":\"[REDACTED:PRIVATE_KEY]\\u000a\"}")));
	clean_text_free(clean);
	buf_done(&in);
}

static void redact_reads_blanks_and_signs_beyond_ascii(void **state)
{
	(void)state;
	check_text("password\xC2\xA0: hunter22\n", "password\xC2\xA0: [REDACTED:PASSWORD]\n");
	check_text("password\xC2\xA0=\xC2\xA0hunter22\n", "password\xC2\xA0=\xC2\xA0[REDACTED:PASSWORD]\n");
	check_text("pass\xE2\x80\x8Bword: hunter22\n", "pass\xE2\x80\x8Bword: [REDACTED:PASSWORD]\n");
	check_text("password\xEF\xBC\x9Ahunter22\n", "password\xEF\xBC\x9A[REDACTED:PASSWORD]\n");
	check_text("password \xEF\xBC\x9D hunter22\n", "password \xEF\xBC\x9D [REDACTED:PASSWORD]\n");
	check_text("using ghp_ABCDEFGH\xE2\x80\x8B""1234567890 now", "using [REDACTED:GITHUB_TOKEN] now");
	check_text("\xE6\x97\xA5\xE5\xBF\x97\xEF\xBC\x9A ok\n", "\xE6\x97\xA5\xE5\xBF\x97\xEF\xBC\x9A ok\n");
}

static void redact_masks_base64_that_holds_a_secret_three_layers_deep(void **state)
{
	struct buf plain = BUF_INIT(65536), coded = BUF_INIT(65536);

	(void)state;
	buf_append_cstr(&plain, "user: bob\npassword: hunter22\n");
	for (int layer = 1; layer <= 3; layer++) {
		struct buf text = BUF_INIT(65536);

		buf_reset(&coded);
		to_base64(buf_span(&plain), &coded);
		buf_printf(&text, "data: %s end", buf_cstr(&coded));
		check_text(buf_cstr(&text), "data: [REDACTED:PASSWORD] end");
		buf_done(&text);
		buf_reset(&plain);
		buf_printf(&plain, "v: %s", buf_cstr(&coded));
	}
	buf_done(&plain);
	buf_done(&coded);
}

/* A name that says "no secret" speaks of its value, not of the rest of the line, and vouches for no encoding. */
static void redact_looks_into_what_a_public_name_vouches_for(void **state)
{
	(void)state;
	check_text("'key_arn: arn:aws:kms:x:1:key/9b76 dXNlcjogYm9iCnBhc3N3b3JkOiBodW50ZXIyMgo= ok'",
	      "'key_arn: arn:aws:kms:x:1:key/9b76 [REDACTED:PASSWORD] ok'");
	check_text("token_id: dXNlcjogYm9iCnBhc3N3b3JkOiBodW50ZXIyMgo=\n", "token_id: [REDACTED:PASSWORD]\n");
	check_text("token_id: q8ZkT2vLmN4xWc7RbJd9q8ZkT2vLmN4xWc7RbJd9\n", "token_id: q8ZkT2vLmN4xWc7RbJd9q8ZkT2vLmN4xWc7RbJd9\n");
}

static void redact_masks_hexadecimal_that_holds_a_secret(void **state)
{
	(void)state;
	check_text("x 757365723a20626f620a70617373776f72643a2068756e7465723232 y", "x [REDACTED:PASSWORD] y");
	check_text("x 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 y",
	      "x 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 y");
}

static void redact_masks_gzip_in_base64_over_several_lines(void **state)
{
	struct buf plain = BUF_INIT(1 << 20), packed = BUF_INIT(1 << 20), coded = BUF_INIT(1 << 20), text = BUF_INIT(1 << 20);

	(void)state;
	for (int i = 0; i < 400; i++)
		buf_printf(&plain, "line %d of %d\n", i, i * 7919);
	buf_append_cstr(&plain, "password: hunter22\n");
	assert_int_equal(gzip_compress(buf_span(&plain), &packed), STATUS_OK);
	to_base64(buf_span(&packed), &coded);
	buf_append_cstr(&text, "user_data: |\n");
	for (size_t i = 0; i < coded.len; i += 76)
		buf_printf(&text, "  %.*s\n", SPAN_ARG(span_sub(buf_span(&coded), i, 76)));
	buf_append_cstr(&text, "next: 1\n");
	check_text(buf_cstr(&text), "user_data: |\n  [REDACTED:PASSWORD]\nnext: 1\n");
	buf_done(&plain);
	buf_done(&packed);
	buf_done(&coded);
	buf_done(&text);
}

static void redact_masks_a_zlib_stream_in_base64(void **state)
{
	(void)state;
	check_text("data: eJwrLU4tslJIyk/iKkgsLi7PL0qxUsgozStJLTIy4irILyqxUjA1MTbiAgAkzQ0f end", "data: [REDACTED:PASSWORD] end");
	/* PowerShell's -EncodedCommand is UTF-16. */
	check_text("pwsh -enc JABwAGEAcwBzAHcAbwByAGQAIAA9ACAAIgB0AGkAZwBlAHIAYwBvAGYAZgBlAGUAOQAiAA== end", "pwsh -enc [REDACTED:PASSWORD] end");
	/* "x^" and what follows it is text. */
	check_text("data: eF4gcGFzc3dvcmQ9aHVudGVyMjIgYW5kIHNvIG9u end", "data: [REDACTED:PASSWORD] end");
}

static void redact_reads_the_lines_of_a_quoted_text(void **state)
{
	(void)state;
	check_text("{\"user_data\": \"env:\\n- name: DB_PASSWORD\\n  value: tigercoffee\\n\"}",
	      "{\"user_data\": \"env:\\n- name: DB_PASSWORD\\n  value: [REDACTED:PASSWORD]\\n\"}");
	check_text("{\"log\":\"private_key: |\\n  hunter22\\nnext: 1\\n\"}",
	      "{\"log\":\"private_key: |\\n  [REDACTED:PRIVATE_KEY]\\nnext: 1\\n\"}");
	check_text("{\"a\":\"{\\\"b\\\":\\\"token:\\\\n  hunter22\\\\nnext: 1\\\"}\"}",
	      "{\"a\":\"{\\\"b\\\":\\\"token:\\\\n  [REDACTED:TOKEN]\\\\nnext: 1\\\"}\"}");
	check_text("{\"log\":\"Traceback (most recent call last):\\n  File \\\"a.py\\\"\\n\"}",
	      "{\"log\":\"Traceback (most recent call last):\\n  File \\\"a.py\\\"\\n\"}");
	check_text("h app: env:#012- name: DB_PASSWORD#012  value: tigercoffee#012", "h app: env:#012- name: DB_PASSWORD#012  value: [REDACTED:PASSWORD]#012");
	check_text("<pre>&lt;b name=&quot;db.password&quot; value=&quot;tigercoffee&quot;/&gt;</pre>",
	      "<pre>&lt;b name=&quot;db.password&quot; value=&quot;[REDACTED:PASSWORD]&quot;/&gt;</pre>");
	check_text("<pre>&lt;password&gt;tigercoffee&lt;/password&gt;</pre>",
	      "<pre>&lt;password&gt;[REDACTED:PASSWORD]&lt;/password&gt;</pre>");
}

static void redact_masks_dumps_that_hold_a_secret(void **state)
{
	static const struct {
		const char *in;
		const char *out;
	} dumps[] = {
		{ "00000000: 7573 6572 3a20 626f 620a 4442 5f50 4153  user: bob.DB_PAS\n"
		  "00000010: 5357 4f52 443d 6875 6e74 6572 3232 0a    SWORD=hunter22.\n",
		  "00000000: [REDACTED:PASSWORD]\n" },
		{ "00000000  75 73 65 72 3a 20 62 6f  62 0a 44 42 5f 50 41 53  |user: bob.DB_PAS|\n"
		  "00000010  53 57 4f 52 44 3d 68 75  6e 74 65 72 32 32 0a     |SWORD=hunter22.|\n"
		  "0000001f\n",
		  "00000000  [REDACTED:PASSWORD]\n"
		  "0000001f\n" },
		{ "0000000 7375 7265 203a 6f62 0a62 4244 505f 5341\n"
		  "0000010 5753 524f 3d44 7568 746e 7265 3232 000a\n"
		  "000001f\n",
		  "0000000 [REDACTED:PASSWORD]\n"
		  "000001f\n" },
		{ "0000000   u   s   e   r   :       b   o   b  \\n   D   B   _   P   A   S\n"
		  "0000020   S   W   O   R   D   =   h   u   n   t   e   r   2   2  \\n\n"
		  "0000037\n",
		  "0000000   [REDACTED:PASSWORD]\n"
		  "0000037\n" },
		{ "0000000 165 163 145 162 072 040 142 157 142 012 104 102 137 120 101 123\n"
		  "0000020 123 127 117 122 104 075 150 165 156 164 145 162 062 062 012\n"
		  "0000037\n",
		  "0000000 [REDACTED:PASSWORD]\n"
		  "0000037\n" },
		{ "000000 75 73 65 72 3a 20 62 6f 62 0a 44 42 5f 50 41 53  >user: bob.DB_PAS<\n"
		  "000010 53 57 4f 52 44 3d 68 75 6e 74 65 72 32 32 0a     >SWORD=hunter22.<\n"
		  "00001f\n",
		  "000000 [REDACTED:PASSWORD]\n"
		  "00001f\n" },
		{ "00000000: 6865 6c6c 6f20 776f 726c 640a            hello world.\n",
		  "00000000: 6865 6c6c 6f20 776f 726c 640a            hello world.\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof dumps / sizeof *dumps; i++)
		check_text(dumps[i].in, dumps[i].out);
}

/* A bomb is not unpacked to its end; what was not seen is not given out, and what stands behind it is still looked at. */
static void redact_masks_what_is_too_large_to_look_into(void **state)
{
	enum { BOMB = 16 * 1024 * 1024, LONG = 1536 * 1024 };
	struct buf plain = BUF_INIT(BOMB), packed = BUF_INIT(1 << 20), text = BUF_INIT(2 << 20);
	uint8_t *room;

	(void)state;
	assert_int_equal(buf_reserve(&plain, BOMB, &room), STATUS_OK);
	memset(room, 'A', BOMB);
	buf_commit(&plain, BOMB);
	assert_int_equal(gzip_compress(buf_span(&plain), &packed), STATUS_OK);
	buf_append_cstr(&text, "data: ");
	to_base64(buf_span(&packed), &text);
	buf_append_cstr(&text, " next\nGET /?q=password%3Dabcdefg1\n");
	check_text(buf_cstr(&text), "data: [REDACTED:ENCODED] next\nGET /?q=password%3D[REDACTED:PASSWORD]\n");
	buf_reset(&text);
	buf_append_cstr(&text, "data: ");
	for (size_t i = 0; i < LONG; i += 2)
		buf_append_cstr(&text, "61");
	buf_append_cstr(&text, " next\n");
	check_text(buf_cstr(&text), "data: [REDACTED:ENCODED] next\n");
	buf_done(&plain);
	buf_done(&packed);
	buf_done(&text);
}

static void redact_masks_the_values_of_a_kubernetes_secret(void **state)
{
	(void)state;
	check_text("kind: Secret\ndata:\n  user: YWRtaW46cGFzc3dvcmQ=\nmetadata:\n  name: a\n",
	      "kind: Secret\ndata:\n  user: [REDACTED:SECRET]\nmetadata:\n  name: a\n");
	check_text("stringData:\n  a: |\n    one\n    two\n  b: three\nkind: Secret\n",
	      "stringData:\n  a: |\n    [REDACTED:SECRET]\n  b: [REDACTED:SECRET]\nkind: Secret\n");
	check_text("apiVersion: v1\nkind: Secret\nstringData: {user: tigercoffee, b: \"c d\"}\n",
	           "apiVersion: v1\nkind: Secret\nstringData: {user: [REDACTED:SECRET], b: \"[REDACTED:SECRET]\"}\n");
	check_text("{\"apiVersion\":\"v1\",\"data\":{\"user\":\"YWRtaW46cGFzcw==\"},\"kind\":\"Secret\"}",
	           "{\"apiVersion\":\"v1\",\"data\":{\"user\":\"[REDACTED:SECRET]\"},\"kind\":\"Secret\"}");
	check_text("last: \"{\\\"kind\\\":\\\"Secret\\\",\\\"stringData\\\":{\\\"user\\\":\\\"tigercoffee\\\"}}\\n\"",
	           "last: \"{\\\"kind\\\":\\\"Secret\\\",\\\"stringData\\\":{\\\"user\\\":\\\"[REDACTED:SECRET]\\\"}}\\n\"");
	check_text("kind: ConfigMap\ndata:\n  user: YWRtaW46Y29uZmln\n", "kind: ConfigMap\ndata:\n  user: YWRtaW46Y29uZmln\n");
}

static void redact_reads_utf16(void **state)
{
	static const char words[] = "DB_PASSWORD=kV9zQ2mX7wLp4TnB8rYc\n";
	char text[2 * (sizeof words - 1)] = "";
	struct clean_text *clean = NULL;

	(void)state;
	for (unsigned order = 0; order < 2; order++) {
		for (size_t i = 0; i < sizeof text; i++)
			text[i] = i % 2 == order ? words[i / 2] : '\0';
		assert_int_equal(redact_span(redactor, span_of(text, sizeof text), &clean, NULL), STATUS_OK);
		assert_true(span_find(clean_text_span(clean), SPAN_LIT("[REDACTED:PASSWORD]"), 0) < clean_text_span(clean).len);
		assert_int_equal(span_find(clean_text_span(clean), SPAN_LIT("k\xEF\xBF\xBDV"), 0),
		                 clean_text_span(clean).len);
		clean_text_free(clean);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(redact_reads_utf16),
		cmocka_unit_test(redact_sees_through_colour_codes),
		cmocka_unit_test(redact_sees_through_percent_and_json_escapes),
		cmocka_unit_test(redact_sees_through_letters_that_are_all_escaped),
		cmocka_unit_test(redact_masks_a_key_of_which_every_letter_is_escaped),
		cmocka_unit_test(redact_reads_blanks_and_signs_beyond_ascii),
		cmocka_unit_test(redact_masks_base64_that_holds_a_secret_three_layers_deep),
		cmocka_unit_test(redact_looks_into_what_a_public_name_vouches_for),
		cmocka_unit_test(redact_masks_hexadecimal_that_holds_a_secret),
		cmocka_unit_test(redact_masks_gzip_in_base64_over_several_lines),
		cmocka_unit_test(redact_reads_the_lines_of_a_quoted_text),
		cmocka_unit_test(redact_masks_dumps_that_hold_a_secret),
		cmocka_unit_test(redact_masks_a_zlib_stream_in_base64),
		cmocka_unit_test(redact_masks_what_is_too_large_to_look_into),
		cmocka_unit_test(redact_masks_the_values_of_a_kubernetes_secret),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

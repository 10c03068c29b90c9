#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "shared/jdoc.h"

#define SECRET "blue-whale-nine"

/* The linker sends every free here (--wrap): how many blocks still hold the secret then. */
static size_t freed_with_secret;

void __real_free(void *bytes);
void __wrap_free(void *bytes);

void __wrap_free(void *bytes)
{
	if (bytes != NULL && memmem(bytes, malloc_usable_size(bytes), SECRET, strlen(SECRET)) != NULL)
		freed_with_secret++;
	__real_free(bytes);
}

static void jdoc_wipes_what_it_held(void **state)
{
	struct jdoc *doc;
	char *seen = malloc(64);

	(void)state;
	freed_with_secret = 0;
	assert_int_equal(jdoc_parse(SPAN_LIT("{\"Env\":[\"A_TOKEN=" SECRET "\"],\"" SECRET "\":{\"b\":\"" SECRET "\"}}"),
	                            &doc, NULL),
	                 STATUS_OK);
	jdoc_free(doc);
	assert_int_equal(jdoc_parse(SPAN_LIT("[\"" SECRET "\", oops"), &doc, NULL), STATUS_INVALID);
	assert_int_equal(freed_with_secret, 0);
	assert_non_null(seen);
	(void)snprintf(seen, 64, "%s", SECRET);
	assert_string_equal(seen, SECRET);
	free(seen);
	assert_int_equal(freed_with_secret, 1);
}

static void jdoc_reads_what_it_wrote(void **state)
{
	BUF_AUTO out = BUF_INIT(1000);
	struct jdoc *doc = jdoc_object(), *list = jdoc_array();

	(void)state;
	assert_true(jdoc_push(list, jdoc_new_text(SPAN_LIT("x"))));
	assert_true(jdoc_set_text(doc, "text", SPAN_LIT("a\"\n\0\xe2\x82\xac")));
	assert_true(jdoc_set_int(doc, "int", -7));
	assert_true(jdoc_set_bool(doc, "yes", true));
	assert_true(jdoc_set_null(doc, "none"));
	assert_true(jdoc_set(doc, "list", list));
	assert_int_equal(jdoc_dump(doc, &out), STATUS_OK);
	jdoc_free(doc);
	assert_string_equal(buf_cstr(&out),
	                    "{\"text\":\"a\\\"\\n\\u0000\xe2\x82\xac\",\"int\":-7,\"yes\":true,\"none\":null,\"list\":[\"x\"]}");
	assert_int_equal(jdoc_parse(buf_span(&out), &doc, NULL), STATUS_OK);
	assert_int_equal(jdoc_get_text(doc, "text").len, 7);
	assert_int_equal(jdoc_get_int(doc, "int", 0), -7);
	assert_int_equal(jdoc_get_int(doc, "text", 5), 5);
	assert_true(jdoc_get_bool(doc, "yes", false));
	assert_int_equal(jdoc_count(jdoc_get(doc, "list")), 1);
	assert_null(jdoc_get(jdoc_get(doc, "nothing"), "below"));
	jdoc_free(doc);
}

static void jdoc_refuses_what_is_not_one_strict_value(void **state)
{
	static const char *const texts[] = { "", "{", "{}x", "{} {}", "{\"a\":1,\"a\":2}", "\"\xff\"", "\"\\ud800\"", "{a:1}",
		                             "[1,]", "nul", "'a'" };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct err err = ERR_INIT;
		struct jdoc *doc;

		assert_int_equal(jdoc_parse(span_cstr(texts[i]), &doc, &err), STATUS_INVALID);
		assert_null(doc);
		assert_non_null(strstr(err.text, "line 1"));
	}
}

static void jdoc_errors_never_repeat_the_input(void **state)
{
	struct err err = ERR_INIT;
	struct jdoc *doc;

	(void)state;
	assert_int_equal(jdoc_parse(SPAN_LIT("{\"password\": hunter22}"), &doc, &err), STATUS_INVALID);
	assert_null(strstr(err.text, "hunter22"));
}

static void jdoc_will_not_hold_text_that_is_not_utf8(void **state)
{
	struct jdoc *doc = jdoc_object();

	(void)state;
	assert_false(jdoc_set_text(doc, "a", SPAN_LIT("\xff")));
	jdoc_free(doc);
}

/* Every byte that UTF-8 has by itself, and characters of two to four bytes. */
static void jdoc_writes_a_text_as_a_document_would(void **state)
{
	BUF_AUTO text = BUF_INIT(1000);
	BUF_AUTO direct = BUF_INIT(4000);
	BUF_AUTO dumped = BUF_INIT(4000);
	struct jdoc *doc;

	(void)state;
	for (unsigned byte = 0; byte < 0x80; byte++)
		buf_append_byte(&text, (uint8_t)byte);
	buf_append_cstr(&text, "\"\\\xc3\xbc\xe2\x82\xac\xf0\x9f\x99\x82\n");
	doc = jdoc_new_text(buf_span(&text));
	assert_int_equal(jdoc_dump(doc, &dumped), STATUS_OK);
	jdoc_free(doc);
	jdoc_dump_text(buf_span(&text), &direct);
	assert_int_equal(jdoc_parse(buf_span(&direct), &doc, NULL), STATUS_OK);
	assert_true(span_eq(jdoc_text(doc), buf_span(&text)));
	jdoc_free(doc);
	assert_int_equal(direct.len, dumped.len);
	buf_reset(&direct);
	jdoc_dump_text(SPAN_LIT(""), &direct);
	assert_true(span_eq(buf_span(&direct), SPAN_LIT("\"\"")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jdoc_reads_what_it_wrote),
		cmocka_unit_test(jdoc_wipes_what_it_held),
		cmocka_unit_test(jdoc_refuses_what_is_not_one_strict_value),
		cmocka_unit_test(jdoc_errors_never_repeat_the_input),
		cmocka_unit_test(jdoc_will_not_hold_text_that_is_not_utf8),
		cmocka_unit_test(jdoc_writes_a_text_as_a_document_would),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/parcel.h"
#include "proto/bundle.h"
#include "shared/gzip.h"

#define CAPTURE "11111111-2222-4333-8444-555555555555"

static const struct record_origin origin = {
	.org = SPAN_LIT("acme"),
	.workspace_id = SPAN_LIT("ws-1"),
	.capture_id = SPAN_LIT(CAPTURE),
	.reason = REASON_SWEEP,
	.ts_ns = 1,
};

static enum status add(struct parcel *parcel, const char *name, const char *text, bool first)
{
	struct clean_text *content = clean_text_literal(text);
	const struct section section = { .name = name, .outcome = OUTCOME_OK, .content = content };
	enum status status = first ? parcel_add_first(parcel, &section) : parcel_add(parcel, &section);

	clean_text_free(content);
	return status;
}

/* The names of a bundle's sections, each followed by a space. */
static enum status collect_name(void *ctx, const struct bundle_section *section, struct err *err)
{
	(void)err;
	buf_append_span(ctx, section->first->section);
	buf_append_byte(ctx, ' ');
	return STATUS_OK;
}

static void parcel_first_section_stands_in_front(void **state)
{
	struct parcel *parcel = parcel_new(&origin);
	BUF_AUTO names = BUF_INIT(1000);
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(add(parcel, "host", "one\n", false), STATUS_OK);
	assert_int_equal(add(parcel, "docker-ps", "two\n", false), STATUS_OK);
	assert_int_equal(add(parcel, "verdict", "three\n", true), STATUS_OK);
	assert_int_equal(bundle_read(parcel_ndjson(parcel), collect_name, &names, &err), STATUS_OK);
	assert_string_equal(buf_cstr(&names), "verdict host docker-ps ");
	parcel_free(parcel);
}

static void parcel_sealed_holds_the_same_bytes_packed(void **state)
{
	struct parcel *parcel = parcel_new(&origin);
	BUF_AUTO plain = BUF_INIT(100000);
	BUF_AUTO packed_and_back = BUF_INIT(100000);
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(add(parcel, "verdict", "words\n", false), STATUS_OK);
	buf_append_span(&plain, parcel_ndjson(parcel));
	assert_int_equal(parcel_seal(parcel, &err), STATUS_OK);
	assert_int_equal(parcel_ndjson(parcel).len, 0);
	assert_int_equal(gzip_expand(parcel_gzip(parcel), &packed_and_back), STATUS_OK);
	assert_true(span_eq(buf_span(&plain), buf_span(&packed_and_back)));
	assert_string_equal(parcel_capture_id(parcel), CAPTURE);
	parcel_free(parcel);
}

static void parcel_refuses_what_does_not_fit_and_stays_whole(void **state)
{
	struct parcel *parcel = parcel_new(&origin);
	size_t size = 4 * 1024 * 1024 - 1;
	char *text = malloc(size + 1);
	enum status status = STATUS_OK;
	BUF_AUTO names = BUF_INIT(1000);
	struct err err = ERR_INIT;
	size_t before = 0;
	char name[8] = "s0";

	(void)state;
	memset(text, 'x', size);
	text[size] = '\0';
	for (; status == STATUS_OK; name[1]++) {
		before = parcel_ndjson(parcel).len;
		status = add(parcel, name, text, false);
	}
	free(text);
	assert_int_equal(status, STATUS_TOO_LARGE);
	assert_int_equal(parcel_ndjson(parcel).len, before);
	assert_int_equal(add(parcel, "note", "(left out)", false), STATUS_OK);
	assert_int_equal(add(parcel, "verdict", "v", true), STATUS_OK);
	assert_true(parcel_ndjson(parcel).len <= LIMIT_BUNDLE_BYTES);
	assert_int_equal(bundle_read(parcel_ndjson(parcel), collect_name, &names, &err), STATUS_OK);
	assert_string_equal(buf_cstr(&names), "verdict s0 s1 s2 s3 s4 s5 s6 note ");
	parcel_free(parcel);
}

static void parcel_needs_a_capture_id_that_is_one(void **state)
{
	struct record_origin strange = origin;

	(void)state;
	strange.capture_id = SPAN_LIT("../../etc/passwd");
	assert_null(parcel_new(&strange));
	parcel_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parcel_first_section_stands_in_front),
		cmocka_unit_test(parcel_sealed_holds_the_same_bytes_packed),
		cmocka_unit_test(parcel_refuses_what_does_not_fit_and_stays_whole),
		cmocka_unit_test(parcel_needs_a_capture_id_that_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "shared/jdoc.h"
#include "sweeper/ship/substitute.h"
#include "tests/unit/ship_fixture.h"

#define ID "0195b0a4-1111-4222-8333-444455556666"

static const struct fixture_section two[] = {
	{ "verdict", "v", OUTCOME_OK },
	{ "host", "(unreachable)", OUTCOME_UNREACHABLE },
};

static void cargo_takes_a_bundle_apart(void **state)
{
	struct cargo cargo;

	(void)state;
	fixture_cargo(ID, two, 2, &cargo);
	assert_int_equal(cargo.entry_count, 2);
	assert_string_equal(cargo.entries[1].section, "host");
	assert_int_equal(cargo.entries[1].part, 1);
	assert_int_equal(cargo.entries[1].outcome, OUTCOME_UNREACHABLE);
	assert_int_equal(cargo.entries[0].line.ptr[cargo.entries[0].line.len - 1], '}');
	assert_int_equal(cargo_missing(&cargo), 2);
	assert_ptr_equal(cargo_find(&cargo, SPAN_LIT("verdict"), 1, false), &cargo.entries[0]);
	assert_ptr_equal(cargo_find(&cargo, SPAN_LIT("host"), 1, true), &cargo.entries[1]);
	assert_null(cargo_find(&cargo, SPAN_LIT("host"), 1, false));
	assert_null(cargo_find(&cargo, SPAN_LIT("host"), 2, true));
	cargo_done(&cargo);
}

static void cargo_takes_whatever_the_gate_has_stored(void **state)
{
	struct ledger_capture capture = { .shipped_to = "" };
	uint8_t *bundle = calloc(1, LIMIT_BUNDLE_BYTES);
	struct cargo cargo;

	(void)state;
	assert_non_null(bundle);
	capture.bundle = span_of(bundle, LIMIT_BUNDLE_BYTES);
	assert_int_equal(cargo_init(&cargo, &capture), STATUS_OK);
	assert_int_equal(cargo_open(&cargo, NULL), STATUS_INVALID);
	cargo_done(&cargo);
	free(bundle);
}

static void cargo_can_be_opened_again_after_it_was_closed(void **state)
{
	struct cargo cargo;

	(void)state;
	fixture_cargo(ID, two, 2, &cargo);
	cargo_close(&cargo);
	assert_int_equal(cargo.entry_count, 0);
	assert_int_equal(cargo_open(&cargo, NULL), STATUS_OK);
	assert_int_equal(cargo.entry_count, 2);
	cargo_done(&cargo);
	cargo_done(&cargo);
}

static void cargo_knows_the_sinks_that_have_it(void **state)
{
	static const struct {
		const char *shipped_to, *sink;
		bool has;
	} rows[] = {
		{ "", "loki", false },
		{ "loki", "loki", true },
		{ "loki-2", "loki", false },
		{ "archive,loki", "loki", true },
		{ "archive,loki-2,stdout", "loki", false },
		{ "archive,loki-2,stdout", "stdout", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct cargo cargo;
		struct ledger_capture capture = { .shipped_to = rows[i].shipped_to };

		assert_int_equal(cargo_init(&cargo, &capture), STATUS_OK);
		assert_int_equal(cargo_has_sink(&cargo, rows[i].sink), rows[i].has);
		cargo_done(&cargo);
	}
}

static void cargo_says_what_is_wrong_with_a_stored_bundle(void **state)
{
	static const char *const contents[] = { "", "not json\n", "{}\n" };

	(void)state;
	for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
		BUF_AUTO packed = BUF_INIT(1024);
		struct ledger_capture capture = { .shipped_to = "" };
		struct cargo cargo;
		struct err err = ERR_INIT;

		assert_int_equal(gzip_compress(span_cstr(contents[i]), &packed), STATUS_OK);
		capture.bundle = buf_span(&packed);
		assert_int_equal(cargo_init(&cargo, &capture), STATUS_OK);
		assert_int_equal(cargo_open(&cargo, &err), STATUS_INVALID);
		assert_non_null(strstr(err.text, "stored bundle"));
		assert_int_equal(cargo.entry_count, 0);
		cargo_done(&cargo);
	}
}

static void substitute_keeps_who_it_is_and_says_why(void **state)
{
	struct cargo cargo;
	struct record record;
	struct jdoc *doc;
	BUF_AUTO first = BUF_INIT(4096);
	BUF_AUTO again = BUF_INIT(4096);
	char sha256[DIGEST_HEX_SIZE];

	(void)state;
	fixture_cargo(ID, two, 2, &cargo);
	assert_int_equal(substitute_make(cargo.entries[0].line, "too long", &first, NULL), STATUS_OK);
	assert_int_equal(substitute_make(cargo.entries[0].line, "too long", &again, NULL), STATUS_OK);
	assert_true(span_eq(buf_span(&first), buf_span(&again)));
	assert_int_equal(record_parse(buf_span(&first), &record, &doc, NULL), STATUS_OK);
	assert_int_equal(record.outcome, OUTCOME_ERROR);
	assert_true(span_eq(record.section, SPAN_LIT("verdict")));
	assert_true(span_eq(record.capture_id, SPAN_LIT(ID)));
	assert_true(span_find(record.content, SPAN_LIT("too long"), 0) < record.content.len);
	digest_hex(record.content, sha256);
	assert_true(span_eq(record.sha256, span_cstr(sha256)));
	jdoc_free(doc);
	cargo_done(&cargo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cargo_takes_a_bundle_apart),
		cmocka_unit_test(cargo_takes_whatever_the_gate_has_stored),
		cmocka_unit_test(cargo_can_be_opened_again_after_it_was_closed),
		cmocka_unit_test(cargo_knows_the_sinks_that_have_it),
		cmocka_unit_test(cargo_says_what_is_wrong_with_a_stored_bundle),
		cmocka_unit_test(substitute_keeps_who_it_is_and_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

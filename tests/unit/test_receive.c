#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/bundle.h"
#include "shared/config.h"
#include "shared/gzip.h"
#include "sweeper/gate/receive.h"

#define CAPTURE "0a1b2c3d-0000-4000-8000-000000000001"
#define SECRET "ghp_Zx81kQv0RtY7uWp3LmN5bC2dE4fG6hJ8aS9d"

static struct redactor *redactor;

static const struct receive_expected expected = {
	.org = { (const uint8_t *)"acme", 4 },
	.workspace_id = { (const uint8_t *)"ws-1", 4 },
	.capture_id = { (const uint8_t *)CAPTURE, sizeof CAPTURE - 1 },
	.instance_id = { (const uint8_t *)"i-0123456789abcdef0", 19 },
	.reason = REASON_BOOTSTRAP,
};

static int set_up(void **state)
{
	const struct redact_options options = { .rules_dir = NULL };

	(void)state;
	return redactor_new(&options, &redactor, NULL) == STATUS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	redactor_free(redactor);
	return 0;
}

/* What an agent sends: no instance id, its own count of redactions. */
static struct record_origin box_origin(void)
{
	return (struct record_origin){ .org = expected.org, .workspace_id = expected.workspace_id,
	                               .capture_id = expected.capture_id, .reason = expected.reason,
	                               .ts_ns = 1750000000000000000 };
}

static void append(const struct record_origin *origin, const char *name, const char *content, struct buf *bundle)
{
	struct clean_text *clean = clean_text_literal(content);
	struct section section = { .name = name, .outcome = OUTCOME_OK, .content = clean, .earlier_redactions = 5 };

	assert_int_equal(record_append_section(origin, &section, bundle), STATUS_OK);
	clean_text_free(clean);
}

/* A reading of what was made: all contents joined, and the fields of the last section. */
struct reading {
	struct buf content;
	char instance_id[64];
	int64_t redactions;
	int64_t gate_findings;
	enum record_outcome outcome;
	size_t sections;
};

static enum status read_section(void *ctx, const struct bundle_section *section, struct err *err)
{
	struct reading *reading = ctx;

	(void)err;
	buf_append_span(&reading->content, section->content);
	(void)snprintf(reading->instance_id, sizeof reading->instance_id, "%.*s", SPAN_ARG(section->first->instance_id));
	reading->redactions = section->first->redactions;
	reading->gate_findings = section->first->gate_findings;
	reading->outcome = section->first->outcome;
	reading->sections++;
	return STATUS_OK;
}

static void read_back(const struct received *received, struct reading *ret_reading)
{
	BUF_AUTO plain = BUF_INIT(LIMIT_BUNDLE_BYTES);

	*ret_reading = (struct reading){ .content = BUF_INIT(LIMIT_BUNDLE_BYTES) };
	assert_int_equal(gzip_expand(buf_span(&received->bundle_gzip), &plain), STATUS_OK);
	assert_int_equal(bundle_read(buf_span(&plain), read_section, ret_reading, NULL), STATUS_OK);
}

static enum status receive(const struct redactor *with, struct span upload, bool gzipped, struct received *received,
                           struct err *err)
{
	return receive_bundle(with, &expected, upload, gzipped, NULL, NULL, received, err);
}

static void receive_fills_in_the_instance_and_keeps_what_is_clean(void **state)
{
	const struct record_origin origin = box_origin();
	BUF_AUTO upload = BUF_INIT(LIMIT_BUNDLE_BYTES);
	BUF_AUTO packed = BUF_INIT(LIMIT_BUNDLE_GZIP);
	struct received received;
	struct reading reading;
	struct err err = ERR_INIT;
	char sha256[DIGEST_HEX_SIZE];

	(void)state;
	append(&origin, "verdict", "it failed\n", &upload);
	append(&origin, "host", "memory is full\n", &upload);
	assert_int_equal(gzip_compress(buf_span(&upload), &packed), STATUS_OK);
	for (int gzipped = 0; gzipped < 2; gzipped++) {
		assert_int_equal(receive(redactor, gzipped ? buf_span(&packed) : buf_span(&upload), gzipped, &received, &err),
		                 STATUS_OK);
		digest_hex(buf_span(&upload), sha256);
		assert_string_equal(received.sha256, sha256);
		assert_int_equal(received.findings, 0);
		read_back(&received, &reading);
		assert_string_equal(buf_cstr(&reading.content), "it failed\nmemory is full\n");
		assert_string_equal(reading.instance_id, "i-0123456789abcdef0");
		assert_int_equal(reading.redactions, 5);
		assert_int_equal(reading.gate_findings, 0);
		assert_int_equal(reading.sections, 2);
		buf_done(&reading.content);
		received_done(&received);
	}
}

static void note_rule(void *ctx, const char *rule, size_t count)
{
	assert_non_null(rule);
	*(size_t *)ctx += count;
}

static void receive_masks_what_the_box_missed(void **state)
{
	const struct record_origin origin = box_origin();
	BUF_AUTO upload = BUF_INIT(LIMIT_BUNDLE_BYTES);
	struct received received;
	struct reading reading;
	struct err err = ERR_INIT;
	size_t by_rule = 0;

	(void)state;
	append(&origin, "verdict", "first line\nGITHUB_TOKEN=" SECRET "\nlast line\n", &upload);
	assert_int_equal(receive_bundle(redactor, &expected, buf_span(&upload), false, note_rule, &by_rule, &received, &err),
	                 STATUS_OK);
	assert_int_equal(received.findings, 1);
	assert_int_equal(by_rule, 1);
	read_back(&received, &reading);
	assert_null(strstr(buf_cstr(&reading.content), SECRET));
	assert_non_null(strstr(buf_cstr(&reading.content), "last line"));
	assert_int_equal(reading.redactions, 6);
	assert_int_equal(reading.gate_findings, 1);
	buf_done(&reading.content);
	received_done(&received);
}

/* A mark is the gate's own: a box that sets one changes nothing. */
/* `upload` with another count of redactions than append() gives. */
static void set_redactions(struct span upload, const char *count, struct buf *ret_upload)
{
	const struct span given = SPAN_LIT("\"redactions\":5");

	for (size_t at; (at = span_find(upload, given, 0)) < upload.len; upload = span_sub(upload, at + given.len, upload.len)) {
		buf_append_span(ret_upload, span_sub(upload, 0, at));
		buf_printf(ret_upload, "\"redactions\":%s", count);
	}
	buf_append_span(ret_upload, upload);
}

static void receive_makes_a_bundle_that_can_be_read_whatever_the_box_has_counted(void **state)
{
	const struct record_origin origin = box_origin();
	BUF_AUTO upload = BUF_INIT(LIMIT_BUNDLE_BYTES);
	BUF_AUTO most = BUF_INIT(LIMIT_BUNDLE_BYTES);
	BUF_AUTO more = BUF_INIT(LIMIT_BUNDLE_BYTES);
	struct received received;
	struct reading reading;
	struct err err = ERR_INIT;

	(void)state;
	append(&origin, "verdict", "token " SECRET " leaked\n", &upload);
	set_redactions(buf_span(&upload), "1000000000", &most);
	assert_int_equal(receive(redactor, buf_span(&most), false, &received, &err), STATUS_OK);
	assert_int_equal(received.findings, 1);
	read_back(&received, &reading);
	assert_int_equal(reading.redactions, LIMIT_REDACTIONS);
	buf_done(&reading.content);
	received_done(&received);
	set_redactions(buf_span(&upload), "9223372036854775807", &more);
	assert_int_equal(receive(redactor, buf_span(&more), false, &received, &err), STATUS_INVALID);
	assert_string_equal(err.text, "record 1: the field \"redactions\" is missing or not as it should be");
	received_done(&received);
}

static void receive_ignores_a_mark_of_the_box(void **state)
{
	const struct record_origin origin = box_origin();
	BUF_AUTO upload = BUF_INIT(LIMIT_BUNDLE_BYTES);
	struct clean_text *clean = clean_text_literal("fine\n");
	struct section section = { .name = "verdict", .outcome = OUTCOME_OK, .content = clean, .gate_findings = 9 };
	struct received received;
	struct reading reading;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(record_append_section(&origin, &section, &upload), STATUS_OK);
	assert_non_null(strstr(buf_cstr(&upload), "\"gate_findings\":9"));
	assert_int_equal(receive(redactor, buf_span(&upload), false, &received, &err), STATUS_OK);
	read_back(&received, &reading);
	assert_int_equal(reading.gate_findings, 0);
	buf_done(&reading.content);
	received_done(&received);
	clean_text_free(clean);
}

static void receive_without_rules_withholds_every_section(void **state)
{
	const struct record_origin origin = box_origin();
	BUF_AUTO upload = BUF_INIT(LIMIT_BUNDLE_BYTES);
	struct received received;
	struct reading reading;
	struct err err = ERR_INIT;

	(void)state;
	append(&origin, "verdict", "some words\n", &upload);
	append(&origin, "host", "more words\n", &upload);
	assert_int_equal(receive(NULL, buf_span(&upload), false, &received, &err), STATUS_OK);
	assert_int_equal(received.withheld, 2);
	assert_int_equal(received.outcomes[OUTCOME_WITHHELD], 2);
	assert_int_equal(received.outcomes[OUTCOME_OK], 0);
	read_back(&received, &reading);
	assert_null(strstr(buf_cstr(&reading.content), "words\n"));
	assert_int_equal(reading.outcome, OUTCOME_WITHHELD);
	buf_done(&reading.content);
	received_done(&received);
}

static void receive_refuses_another_origin_and_names_the_field(void **state)
{
	static const struct {
		const char *org, *workspace_id, *capture_id, *instance_id;
		enum capture_reason reason;
		const char *field;
	} cases[] = {
		{ "beta", "ws-1", CAPTURE, "", REASON_BOOTSTRAP, "\"org\"" },
		{ "acme", "ws-2", CAPTURE, "", REASON_BOOTSTRAP, "\"workspace_id\"" },
		{ "acme", "ws-1", "0a1b2c3d-0000-4000-8000-000000000002", "", REASON_BOOTSTRAP, "\"capture_id\"" },
		{ "acme", "ws-1", CAPTURE, "", REASON_SWEEP, "\"reason\"" },
		{ "acme", "ws-1", CAPTURE, "i-other", REASON_BOOTSTRAP, "\"instance_id\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct record_origin origin = {
			.org = span_cstr(cases[i].org), .workspace_id = span_cstr(cases[i].workspace_id),
			.capture_id = span_cstr(cases[i].capture_id), .instance_id = span_cstr(cases[i].instance_id),
			.reason = cases[i].reason,
		};
		BUF_AUTO upload = BUF_INIT(LIMIT_BUNDLE_BYTES);
		struct received received;
		struct err err = ERR_INIT;

		append(&origin, "verdict", "words", &upload);
		assert_int_equal(receive(redactor, buf_span(&upload), false, &received, &err), STATUS_INVALID);
		assert_non_null(strstr(err.text, "record 1"));
		assert_non_null(strstr(err.text, cases[i].field));
		assert_int_equal(received.bundle_gzip.len, 0);
		received_done(&received);
	}
}

static void receive_refuses_a_section_name_that_is_a_secret(void **state)
{
	const struct record_origin origin = box_origin();
	BUF_AUTO upload = BUF_INIT(LIMIT_BUNDLE_BYTES);
	struct received received;
	struct err err = ERR_INIT;

	(void)state;
	append(&origin, "verdict", "words", &upload);
	append(&origin, SECRET, "words", &upload);
	assert_int_equal(receive(redactor, buf_span(&upload), false, &received, &err), STATUS_INVALID);
	assert_null(strstr(err.text, SECRET));
	received_done(&received);
}

static void receive_refuses_what_is_no_bundle(void **state)
{
	static const struct {
		const char *upload;
		bool gzipped;
	} cases[] = {
		{ "", false }, { "{}\n", false }, { "not json\n", false }, { "", true }, { "not gzip", true },
		{ "\x1f\x8b\x08", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct received received;
		struct err err = ERR_INIT;

		assert_int_equal(receive(redactor, span_cstr(cases[i].upload), cases[i].gzipped, &received, &err),
		                 STATUS_INVALID);
		assert_int_not_equal(strlen(err.text), 0);
		received_done(&received);
	}
}

/* 40 MiB of zeros pack into 40 KB; expanding stops at the cap. */
static void receive_stops_a_bomb_at_the_cap(void **state)
{
	const size_t len = 40 * 1024 * 1024;
	uint8_t *zeros = calloc(1, len);
	BUF_AUTO packed = BUF_INIT(LIMIT_BUNDLE_GZIP);
	struct received received;
	struct err err = ERR_INIT;

	(void)state;
	assert_non_null(zeros);
	assert_int_equal(gzip_compress(span_of(zeros, len), &packed), STATUS_OK);
	assert_int_equal(receive(redactor, buf_span(&packed), true, &received, &err), STATUS_TOO_LARGE);
	received_done(&received);
	free(zeros);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(receive_fills_in_the_instance_and_keeps_what_is_clean),
		cmocka_unit_test(receive_masks_what_the_box_missed),
		cmocka_unit_test(receive_makes_a_bundle_that_can_be_read_whatever_the_box_has_counted),
		cmocka_unit_test(receive_ignores_a_mark_of_the_box),
		cmocka_unit_test(receive_without_rules_withholds_every_section),
		cmocka_unit_test(receive_refuses_another_origin_and_names_the_field),
		cmocka_unit_test(receive_refuses_a_section_name_that_is_a_secret),
		cmocka_unit_test(receive_refuses_what_is_no_bundle),
		cmocka_unit_test(receive_stops_a_bomb_at_the_cap),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

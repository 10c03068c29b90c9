#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/bundle.h"
#include "shared/jdoc.h"
#include "shared/redact/redact.h"

#define ID "0195b0a4-1111-4222-8333-444455556666"

static const struct record_origin origin = {
	.org = { (const uint8_t *)"acme", 4 },
	.workspace_id = { (const uint8_t *)"ws-1", 4 },
	.instance_id = { NULL, 0 },
	.capture_id = { (const uint8_t *)ID, 36 },
	.reason = REASON_SWEEP,
	.ts_ns = INT64_C(1769817600123456000),
};

/* Text of the test's own making, passed off as clean: it has to go through the redactor like any other. */
static struct clean_text *clean(struct redactor *redactor, const char *bytes, size_t len)
{
	struct clean_text *text = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(redact_span(redactor, span_of(bytes, len), &text, &err), STATUS_OK);
	return text;
}

static void append(struct redactor *redactor, struct buf *bundle, const char *name, const char *bytes, size_t len)
{
	struct clean_text *text = clean(redactor, bytes, len);
	struct section section = { .name = name, .outcome = OUTCOME_OK, .content = text };

	assert_int_equal(record_append_section(&origin, &section, bundle), STATUS_OK);
	clean_text_free(text);
}

struct seen {
	size_t sections;
	int64_t parts;
	struct buf last;
};

static enum status note(void *ctx, const struct bundle_section *section, struct err *err)
{
	struct seen *seen = ctx;

	(void)err;
	seen->sections++;
	seen->parts = section->first->parts;
	buf_reset(&seen->last);
	buf_append_span(&seen->last, section->content);
	return buf_status(&seen->last);
}

static void bundle_is_cut_and_joined_without_loss(void **state)
{
	static const struct {
		const char *unit;
		size_t times;
	} cases[] = {
		{ "", 1 }, { "one line\n", 1 }, { "no newline", 1 }, { "a line of text that repeats\n", 40000 },
		{ "x \xe2\x82\xac ", 170000 }, { "\x01\x02 ", 300000 }, { "\"\\ ", 200000 },
	};
	struct redactor *redactor = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct seen seen = { .last = BUF_INIT(8 * 1024 * 1024) };
		BUF_AUTO text = BUF_INIT(LIMIT_SECTION_BYTES);
		BUF_AUTO bundle = BUF_INIT(LIMIT_BUNDLE_BYTES);
		struct span rest, line;
		struct err err = ERR_INIT;

		for (size_t n = 0; n < cases[i].times; n++)
			buf_append_cstr(&text, cases[i].unit);
		append(redactor, &bundle, "verdict", "v", 1);
		append(redactor, &bundle, "config.yaml", (const char *)text.ptr, text.len);
		rest = buf_span(&bundle);
		while (span_next_line(&rest, &line))
			assert_true(line.len - 1 <= LIMIT_RECORD_LINE);
		assert_int_equal(bundle_read(buf_span(&bundle), note, &seen, &err), STATUS_OK);
		assert_int_equal(seen.sections, 2);
		assert_true(seen.last.len == text.len && (text.len == 0 || memcmp(seen.last.ptr, text.ptr, text.len) == 0));
		if (text.len > LIMIT_RECORD_LINE)
			assert_true(seen.parts > 1);
		buf_done(&seen.last);
	}
}

static void bundle_lines_hold_the_flat_record(void **state)
{
	BUF_AUTO bundle = BUF_INIT(65536);
	struct record record;
	struct jdoc *doc;

	append(*state, &bundle, "verdict", "hello", 5);
	assert_int_equal(record_parse(buf_span(&bundle), &record, &doc, NULL), STATUS_OK);
	assert_int_equal(record.ts_ns, origin.ts_ns);
	assert_true(span_eq(record.org, origin.org));
	assert_true(span_eq(record.section, SPAN_LIT("verdict")));
	assert_true(span_eq(record.content, SPAN_LIT("hello")));
	assert_true(record.redacted);
	assert_true(span_eq(jdoc_get_text(doc, "event_type"), SPAN_LIT("rescue.bundle")));
	assert_true(span_eq(jdoc_get_text(doc, "kind"), SPAN_LIT("rescue")));
	jdoc_free(doc);
}

static void bundle_lines_are_read_without_their_content(void **state)
{
	static const char text[] = "a quote, \"content\":\" and a {\"content\":\"\"} inside";
	BUF_AUTO bundle = BUF_INIT(65536);
	struct record head, whole;
	struct jdoc *head_doc, *doc;

	append(*state, &bundle, "host", text, sizeof text - 1);
	assert_int_equal(record_parse(buf_span(&bundle), &whole, &doc, NULL), STATUS_OK);
	assert_int_equal(record_parse_head(buf_span(&bundle), &head, &head_doc, NULL), STATUS_OK);
	assert_true(span_eq(whole.content, span_of((const uint8_t *)text, sizeof text - 1)));
	assert_int_equal(head.content.len, 0);
	assert_true(span_eq(head.section, whole.section) && span_eq(head.sha256, whole.sha256));
	assert_int_equal(head.part, whole.part);
	assert_int_equal(head.outcome, whole.outcome);
	jdoc_free(head_doc);
	jdoc_free(doc);
	/* A line that was made elsewhere is read as a whole. */
	assert_int_equal(record_parse_head(SPAN_LIT("{\"content\": 1}"), &head, &head_doc, NULL), STATUS_INVALID);
}

/* Replaces the first `from` by `to` in a good bundle of verdict and one more section. */
static void change(struct redactor *redactor, const char *from, const char *to, struct buf *ret_bundle)
{
	BUF_AUTO good = BUF_INIT(65536);
	struct span all;
	size_t at;

	append(redactor, &good, "verdict", "v", 1);
	append(redactor, &good, "host", "h", 1);
	all = buf_span(&good);
	at = span_find(all, span_cstr(from), 0);
	assert_true(at < all.len);
	buf_append_span(ret_bundle, span_sub(all, 0, at));
	buf_append_cstr(ret_bundle, to);
	buf_append_span(ret_bundle, span_sub(all, at + strlen(from), all.len));
}

static void bundle_refuses_each_broken_rule(void **state)
{
	static const struct {
		const char *from, *to, *words;
	} cases[] = {
		{ "\"verdict\"", "\"host2\"", "verdict" },
		{ "\"section\":\"host\"", "\"section\":\"verdict\"", "stood before" },
		{ "\"redacted\":true", "\"redacted\":false", "redacted" },
		{ "\"content\":\"v\"", "\"content\":\"w\"", "sha256" },
		{ "\"content\":\"v\"", "\"content\":7", "content" },
		{ "\"parts\":1", "\"parts\":2", "parts" },
		{ "\"part\":1", "\"part\":0", "part" },
		{ "\"kind\":\"rescue\"", "\"kind\":\"other\"", "kind" },
		{ "\"org\":\"acme\"", "\"org\":\"a/b\"", "org" },
		{ "\"org\":\"acme\"", "\"org\":\"acme\",\"extra\":1", "does not have" },
		{ "\"capture_id\":\"" ID "\"", "\"capture_id\":\"x\"", "capture_id" },
		{ "\"org\":\"acme\"", "\"org\":\"else\"", "differ" },
		{ "\"outcome\":\"ok\"", "\"outcome\":\"fine\"", "outcome" },
		{ "{", "", "JSON" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct seen seen = { .last = BUF_INIT(65536) };
		BUF_AUTO bundle = BUF_INIT(65536);
		struct err err = ERR_INIT;

		change(*state, cases[i].from, cases[i].to, &bundle);
		assert_int_equal(bundle_read(buf_span(&bundle), note, &seen, &err), STATUS_INVALID);
		assert_non_null(strstr(err.text, "record "));
		assert_non_null(strstr(err.text, cases[i].words));
		buf_done(&seen.last);
	}
}

static void bundle_refuses_every_truncation(void **state)
{
	BUF_AUTO bundle = BUF_INIT(65536);
	size_t whole_records = 0;

	append(*state, &bundle, "verdict", "v", 1);
	append(*state, &bundle, "host", "h", 1);
	for (size_t len = 0; len < bundle.len; len++) {
		struct seen seen = { .last = BUF_INIT(65536) };
		enum status status = bundle_read(span_of(bundle.ptr, len), note, &seen, NULL);

		if (status == STATUS_OK)
			whole_records++;
		buf_done(&seen.last);
	}
	assert_int_equal(whole_records, 1); /* the cut between the two sections is a whole bundle of one */
}

static int make_redactor(void **state)
{
	struct redact_options options = { .rules_dir = NULL };

	return redactor_new(&options, (struct redactor **)state, NULL) == STATUS_OK ? 0 : -1;
}

static int free_redactor(void **state)
{
	redactor_free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bundle_is_cut_and_joined_without_loss),
		cmocka_unit_test(bundle_lines_hold_the_flat_record),
		cmocka_unit_test(bundle_lines_are_read_without_their_content),
		cmocka_unit_test(bundle_refuses_each_broken_rule),
		cmocka_unit_test(bundle_refuses_every_truncation),
	};

	return cmocka_run_group_tests(tests, make_redactor, free_redactor);
}

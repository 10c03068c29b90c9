/* Captures and bundles as people read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shared/clock.h"
#include "shared/config.h"
#include "sweeper/ctl/render.h"

static const struct style plain = { .terminal = false, .color = false };
static const struct style terminal = { .terminal = true, .color = true };

static struct jdoc *parse(const char *text)
{
	struct jdoc *doc = NULL;

	assert_int_equal(jdoc_parse(span_cstr(text), &doc, NULL), STATUS_OK);
	return doc;
}

static int64_t at(const char *text)
{
	int64_t real_ns = 0;

	assert_true(clock_parse(span_cstr(text), &real_ns));
	return real_ns;
}

static void render_durations_in_the_unit_that_fits(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} cases[] = {
		{ -1, "0 ms" },
		{ 52 * INT64_C(1000000), "52 ms" },
		{ 3450 * INT64_C(1000000), "3.4 s" },
		{ 60 * INT64_C(1000000000), "1 m" },
		{ 3600 * INT64_C(1000000000), "1 h" },
		{ 47 * 3600 * INT64_C(1000000000), "47 h" },
		{ 49 * 3600 * INT64_C(1000000000), "2 d" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		BUF_AUTO out = BUF_INIT(64);

		render_duration(cases[i].ns, &out);
		assert_string_equal(buf_cstr(&out), cases[i].text);
	}
}

static void render_list_aligns_its_columns(void **state)
{
	JDOC_AUTO *captures = parse("[{\"capture_id\":\"c1\",\"workspace_id\":\"ws-1\",\"instance_id\":\"i-0abc\","
	                            "\"reason\":\"bootstrap_watcher\",\"state\":\"shipped\","
	                            "\"requested_at\":\"2026-01-31T23:59:00Z\"},"
	                            "{\"capture_id\":\"c2\",\"workspace_id\":\"longer-name\",\"instance_id\":null,"
	                            "\"reason\":\"x\",\"state\":\"ordered\",\"requested_at\":null}]");
	BUF_AUTO out = BUF_INIT(4096);

	(void)state;
	assert_int_equal(render_list(&plain, captures, at("2026-02-01T00:00:10Z"), &out), STATUS_OK);
	assert_string_equal(buf_cstr(&out),
	                    "WHEN (UTC)           AGE  WORKSPACE    REASON             STATE    INSTANCE  CAPTURE\n"
	                    "2026-01-31 23:59:00  1 m  ws-1         bootstrap_watcher  shipped  i-0abc    c1\n"
	                    "-                    -    longer-name  x                  ordered  -         c2\n");
}

static void render_list_cannot_be_forged_by_a_name(void **state)
{
	JDOC_AUTO *captures = parse("[{\"capture_id\":\"c1\",\"workspace_id\":\"a\\nb\\u001b[2J\\u0000\"}]");
	BUF_AUTO out = BUF_INIT(4096);
	struct span text;

	(void)state;
	assert_int_equal(render_list(&plain, captures, 0, &out), STATUS_OK);
	text = buf_span(&out);
	assert_int_equal(span_find(text, SPAN_LIT("\x1b"), 0), text.len);
	assert_true(span_find(text, SPAN_LIT("a\\x0ab\\x1b[2J\\x00"), 0) < text.len);
}

static void render_capture_tells_how_far_it_came(void **state)
{
	JDOC_AUTO *capture = parse("{\"capture_id\":\"c1\",\"workspace_id\":\"ws-1\",\"org\":\"acme\",\"instance_id\":\"i-1\","
	                           "\"reason\":\"bootstrap_watcher\",\"state\":\"received\","
	                           "\"requested_at\":\"2026-01-31T23:59:00.100Z\",\"delivered_at\":\"2026-01-31T23:59:00.103Z\","
	                           "\"received_at\":\"2026-01-31T23:59:00.152Z\",\"shipped_at\":null,"
	                           "\"shipped_to\":[\"archive\"],\"last_error\":\"loki: 429\\u001b\"}");
	BUF_AUTO out = BUF_INIT(4096);

	(void)state;
	render_capture(&plain, capture, &out);
	assert_string_equal(buf_cstr(&out),
	                    "capture c1 workspace=ws-1 org=acme instance=i-1 reason=bootstrap_watcher state=received\n"
	                    "requested 2026-01-31 23:59:00 UTC, delivered after 3 ms, received after 52 ms\n"
	                    "shipped to archive\n"
	                    "last error: loki: 429\\x1b\n");
}

#define RECORD(section, part, parts, outcome, content)                                                              \
	"{\"section\":\"" section "\",\"part\":" part ",\"parts\":" parts ",\"outcome\":\"" outcome                       \
	"\",\"redactions\":2,\"sha256\":\"x\",\"content\":\"" content "\"}"

static void sections_join_their_parts_in_order_and_once(void **state)
{
	JDOC_AUTO *records = parse("[" RECORD("log", "2", "2", "ok", "two") "," RECORD("log", "1", "2", "ok", "one ") ","
	                           RECORD("verdict", "1", "1", "ok", "v") "," RECORD("log", "2", "2", "ok", "two") "]");
	struct sections sections;

	(void)state;
	assert_int_equal(sections_join(records, &sections, NULL), STATUS_OK);
	assert_int_equal(sections.count, 2);
	assert_true(span_eq(jdoc_get_text(sections.items[0].first, "section"), SPAN_LIT("verdict")));
	assert_true(span_eq(buf_span(&sections.items[1].content), SPAN_LIT("one two")));
	assert_int_equal(sections.items[1].missing, 0);
	assert_int_equal(sections_redactions(&sections), 4);
	sections_done(&sections);
}

static void sections_say_which_parts_are_missing(void **state)
{
	JDOC_AUTO *records = parse("[" RECORD("log", "3", "3", "truncated", "end") "]");
	struct sections sections;
	BUF_AUTO out = BUF_INIT(4096);

	(void)state;
	assert_int_equal(sections_join(records, &sections, NULL), STATUS_OK);
	assert_int_equal(sections.items[0].missing, 2);
	render_section(&plain, &sections.items[0], &out);
	assert_string_equal(buf_cstr(&out),
	                    "\n== log == truncated, 3 bytes, 2 redactions, 2 of 3 parts missing\nend\n");
	sections_done(&sections);
}

static void sections_say_what_only_the_gate_found(void **state)
{
	JDOC_AUTO *records = parse("[{\"section\":\"log\",\"part\":1,\"parts\":1,\"outcome\":\"ok\",\"redactions\":5,"
	                           "\"gate_findings\":2,\"sha256\":\"x\",\"content\":\"end\"}]");
	struct sections sections;
	BUF_AUTO out = BUF_INIT(4096);

	(void)state;
	assert_int_equal(sections_join(records, &sections, NULL), STATUS_OK);
	render_section(&plain, &sections.items[0], &out);
	assert_string_equal(buf_cstr(&out), "\n== log == ok, 3 bytes, 5 redactions (2 found by the gate alone)\nend\n");
	sections_done(&sections);
}

static void sections_refuse_what_is_no_record(void **state)
{
	static const char *const texts[] = {
		"[{}]", "[7]", "[" RECORD("", "1", "1", "ok", "") "]", "[" RECORD("a", "1", "0", "ok", "") "]",
		"[" RECORD("a", "1", "999999", "ok", "") "]", "[{\"section\":\"a\",\"part\":1,\"parts\":1}]",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		JDOC_AUTO *records = parse(texts[i]);
		struct sections sections;

		assert_int_equal(sections_join(records, &sections, NULL), STATUS_INVALID);
	}
}

static void render_section_shows_the_outcome_in_its_head(void **state)
{
	static const char *const outcomes[] = { "absent", "withheld", "truncated", "error", "unreachable" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
		BUF_AUTO text = BUF_INIT(1024);
		BUF_AUTO out = BUF_INIT(4096);
		BUF_AUTO expected = BUF_INIT(4096);
		struct sections sections;
		struct jdoc *records;

		buf_printf(&text, "[{\"section\":\"s\",\"part\":1,\"parts\":1,\"outcome\":\"%s\",\"content\":\"(x)\"}]", outcomes[i]);
		records = parse(buf_cstr(&text));
		assert_int_equal(sections_join(records, &sections, NULL), STATUS_OK);
		render_section(&plain, &sections.items[0], &out);
		buf_printf(&expected, "\n== s == %s, 3 bytes\n(x)\n", outcomes[i]);
		assert_string_equal(buf_cstr(&out), buf_cstr(&expected));
		sections_done(&sections);
		jdoc_free(records);
	}
}

static void render_section_neither_obeys_nor_hides_content_on_a_terminal(void **state)
{
	JDOC_AUTO *records = parse("[" RECORD("log", "1", "1", "ok", "\\u001b[2Jkey=[REDACTED:TOKEN]") "]");
	struct sections sections;
	BUF_AUTO out = BUF_INIT(4096);

	(void)state;
	assert_int_equal(sections_join(records, &sections, NULL), STATUS_OK);
	render_section(&terminal, &sections.items[0], &out);
	assert_true(span_find(buf_span(&out), SPAN_LIT("\\x1b[2Jkey=\x1b[7;33m[REDACTED:TOKEN]\x1b[0m\n"), 0) < out.len);
	assert_int_equal(span_find(buf_span(&out), SPAN_LIT("\x1b[2J"), 0), out.len);
	sections_done(&sections);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(render_durations_in_the_unit_that_fits),
		cmocka_unit_test(render_list_aligns_its_columns),
		cmocka_unit_test(render_list_cannot_be_forged_by_a_name),
		cmocka_unit_test(render_capture_tells_how_far_it_came),
		cmocka_unit_test(sections_join_their_parts_in_order_and_once),
		cmocka_unit_test(sections_say_which_parts_are_missing),
		cmocka_unit_test(sections_say_what_only_the_gate_found),
		cmocka_unit_test(sections_refuse_what_is_no_record),
		cmocka_unit_test(render_section_shows_the_outcome_in_its_head),
		cmocka_unit_test(render_section_neither_obeys_nor_hides_content_on_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

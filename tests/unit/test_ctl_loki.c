/* What Loki answers, and the pages put together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shared/config.h"
#include "sweeper/ctl/loki.h"

/* A line of ours, as it stands within the answer's JSON. */
#define LINE(capture, section, part)                                                                            \
	"{\\\"event_type\\\":\\\"rescue.bundle\\\",\\\"capture_id\\\":\\\"" capture "\\\",\\\"section\\\":\\\"" section \
	"\\\",\\\"part\\\":" part "}"
#define STREAMS(streams) "{\"status\":\"success\",\"data\":{\"resultType\":\"streams\",\"result\":[" streams "]}}"
#define STREAM(values) "{\"stream\":{\"kind\":\"rescue\"},\"values\":[" values "]}"

static enum status read_page(const char *body, struct loki_entries *entries, struct loki_page *page, struct err *err)
{
	return loki_page_read(span_cstr(body), entries, page, err);
}

static void loki_page_orders_entries_that_come_scattered_over_streams(void **state)
{
	static const char body[] = STREAMS(STREAM("[\"30\",\"" LINE("c", "host", "1") "\"],[\"10\",\"" LINE("c", "verdict", "1") "\"]")
	                                   "," STREAM("[\"20\",\"" LINE("c", "docker-ps", "1") "\",{}]"));
	struct loki_entries entries = { .items = NULL };
	struct loki_page page;

	(void)state;
	assert_int_equal(read_page(body, &entries, &page, NULL), STATUS_OK);
	loki_entries_sort(&entries);
	assert_int_equal(entries.count, 3);
	assert_int_equal(page.seen, 3);
	assert_int_equal(page.oldest_ns, 10);
	assert_true(span_eq(jdoc_get_text(entries.items[0].record, "section"), SPAN_LIT("verdict")));
	assert_true(span_eq(jdoc_get_text(entries.items[1].record, "section"), SPAN_LIT("docker-ps")));
	assert_true(span_eq(jdoc_get_text(entries.items[2].record, "section"), SPAN_LIT("host")));
	loki_entries_done(&entries);
}

static void loki_page_takes_an_overlap_once(void **state)
{
	static const char first[] = STREAMS(STREAM("[\"30\",\"" LINE("c", "host", "1") "\"],[\"20\",\"" LINE("c", "env", "1") "\"]"));
	static const char second[] = STREAMS(STREAM("[\"20\",\"" LINE("c", "env", "1") "\"],[\"20\",\"" LINE("c", "env", "2") "\"]"));
	struct loki_entries entries = { .items = NULL };
	struct loki_page page;

	(void)state;
	assert_int_equal(read_page(first, &entries, &page, NULL), STATUS_OK);
	assert_int_equal(page.added, 2);
	assert_int_equal(loki_page_next_end(&page), 21);
	assert_int_equal(read_page(second, &entries, &page, NULL), STATUS_OK);
	assert_int_equal(page.seen, 2);
	assert_int_equal(page.added, 1);
	assert_int_equal(read_page(second, &entries, &page, NULL), STATUS_OK);
	assert_int_equal(page.added, 0);
	assert_int_equal(loki_page_next_end(&page), 20);
	assert_int_equal(entries.count, 3);
	loki_entries_done(&entries);
}

static void loki_page_leaves_out_lines_that_are_not_ours(void **state)
{
	static const char body[] = STREAMS(STREAM("[\"1\",\"plain text\"],[\"2\",\"{}\"],[\"3\",\"{\\\"event_type\\\":\\\"other\\\"}\"],"
	                                          "[\"4\",\"" LINE("c", "host", "1") "\"]"));
	struct loki_entries entries = { .items = NULL };
	struct loki_page page;

	(void)state;
	assert_int_equal(read_page(body, &entries, &page, NULL), STATUS_OK);
	assert_int_equal(page.seen, 4);
	assert_int_equal(page.skipped, 3);
	assert_int_equal(entries.count, 1);
	loki_entries_done(&entries);
}

static void loki_page_refuses_what_no_loki_answers(void **state)
{
	static const char *const bodies[] = {
		"", "<html>", "[]", "{}", "{\"status\":\"error\"}",
		"{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[]}}",
		STREAMS("{}"), STREAMS("7"), STREAMS(STREAM("7")), STREAMS(STREAM("[]")), STREAMS(STREAM("[\"1\"]")),
		STREAMS(STREAM("[\"x\",\"y\"]")), STREAMS(STREAM("[\"-1\",\"y\"]")), STREAMS(STREAM("[1,\"y\"]")),
		STREAMS(STREAM("[\"18446744073709551615\",\"y\"]")),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct loki_entries entries = { .items = NULL };
		struct loki_page page;
		struct err err = ERR_INIT;

		assert_int_equal(read_page(bodies[i], &entries, &page, &err), STATUS_INVALID);
		assert_string_not_equal(err.text, "");
		loki_entries_done(&entries);
	}
}

static void loki_page_may_be_empty(void **state)
{
	struct loki_entries entries = { .items = NULL };
	struct loki_page page;

	(void)state;
	assert_int_equal(read_page(STREAMS(""), &entries, &page, NULL), STATUS_OK);
	assert_int_equal(page.seen, 0);
	loki_entries_sort(&entries);
	assert_int_equal(entries.count, 0);
}

static void loki_entries_of_one_nanosecond_stay_in_order(void **state)
{
	struct loki_entries entries = { .items = NULL };
	struct loki_page page;
	BUF_AUTO body = BUF_INIT(1024 * 1024);

	(void)state;
	buf_append_cstr(&body, "{\"status\":\"success\",\"data\":{\"resultType\":\"streams\",\"result\":[{\"values\":[");
	for (int i = 1; i <= 300; i++)
		buf_printf(&body, "%s[\"%d\",\"{\\\"event_type\\\":\\\"rescue.bundle\\\",\\\"capture_id\\\":\\\"c\\\","
		           "\\\"section\\\":\\\"s\\\",\\\"part\\\":%d}\"]", i == 1 ? "" : ",", 5 - i % 2, i);
	buf_append_cstr(&body, "]}]}}");
	assert_int_equal(read_page(buf_cstr(&body), &entries, &page, NULL), STATUS_OK);
	loki_entries_sort(&entries);
	assert_int_equal(entries.count, 300);
	for (size_t i = 1; i < entries.count; i++) {
		const struct loki_entry *before = &entries.items[i - 1], *entry = &entries.items[i];

		assert_true(before->ts_ns < entry->ts_ns ||
		            (before->ts_ns == entry->ts_ns &&
		             jdoc_get_int(before->record, "part", 0) < jdoc_get_int(entry->record, "part", 0)));
	}
	loki_entries_done(&entries);
}

static void loki_query_names_what_is_asked_for(void **state)
{
	const struct loki_filter all = { .workspace_id = { NULL, 0 } };
	const struct loki_filter one = { .workspace_id = SPAN_LIT("ws-1"), .section = SPAN_LIT("verdict") };
	const struct loki_filter capture = { .capture_id = SPAN_LIT("c-1") };
	const struct {
		const char *org;
		const struct loki_filter *filter;
		bool by_metadata;
		const char *query;
	} cases[] = {
		{ NULL, &all, true, "{kind=\"rescue\"}" },
		{ "acme", &one, true, "{kind=\"rescue\",org=\"acme\"} | workspace_id=\"ws-1\" | section=\"verdict\"" },
		{ "acme", &capture, false, "{kind=\"rescue\",org=\"acme\"} | json | capture_id=\"c-1\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		BUF_AUTO out = BUF_INIT(1024);

		loki_format_query(cases[i].org, cases[i].filter, cases[i].by_metadata, &out);
		assert_string_equal(buf_cstr(&out), cases[i].query);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loki_page_orders_entries_that_come_scattered_over_streams),
		cmocka_unit_test(loki_page_takes_an_overlap_once),
		cmocka_unit_test(loki_page_leaves_out_lines_that_are_not_ours),
		cmocka_unit_test(loki_page_refuses_what_no_loki_answers),
		cmocka_unit_test(loki_page_may_be_empty),
		cmocka_unit_test(loki_entries_of_one_nanosecond_stay_in_order),
		cmocka_unit_test(loki_query_names_what_is_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

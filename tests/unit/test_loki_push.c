#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "shared/jdoc.h"
#include "sweeper/ship/loki_push.h"
#include "tests/unit/ship_fixture.h"

#define ID "0195b0a4-1111-4222-8333-444455556666"

static const struct fixture_section two[] = {
	{ "verdict", "line one\nwith \"quotes\"\n", OUTCOME_OK },
	{ "docker-ps", "(docker unavailable)", OUTCOME_ABSENT },
};

static char env_name[] = "env", env_value[] = "test", kind_name[] = "kind", kind_value[] = "mine";
static struct sink_label labels[] = { { env_name, env_value }, { kind_name, kind_value } };

static struct jdoc *unpacked(const struct loki_push *push)
{
	BUF_AUTO packed = BUF_INIT(1 << 20);
	BUF_AUTO body = BUF_INIT(1 << 20);
	struct jdoc *doc;

	assert_int_equal(loki_push_pack(push, &packed), STATUS_OK);
	assert_int_equal(gzip_expand(buf_span(&packed), &body), STATUS_OK);
	assert_int_equal(jdoc_parse(buf_span(&body), &doc, NULL), STATUS_OK);
	return doc;
}

static void check_text(const struct jdoc *object, const char *key, const char *wanted)
{
	BUF_AUTO text = BUF_INIT(1024);

	buf_append_span(&text, jdoc_get_text(object, key));
	assert_string_equal(buf_cstr(&text), wanted);
}

/* Gives the values of a push with both entries of `cargo`; *ret_doc owns them. */
static struct jdoc *push_both(struct cargo *cargo, bool with_metadata, struct jdoc **ret_doc)
{
	struct sink_config config = { .labels = labels, .label_count = 2 };
	struct jdoc *stream_labels = loki_push_labels(&config, "acme");
	struct loki_push push;
	struct jdoc *stream;

	loki_push_init(&push, stream_labels, with_metadata);
	for (size_t i = 0; i < cargo->entry_count; i++)
		assert_int_equal(loki_push_add(&push, cargo_entry_ns(cargo, i), cargo->entries[i].line, cargo,
		                               &cargo->entries[i]), STATUS_OK);
	*ret_doc = unpacked(&push);
	loki_push_done(&push);
	jdoc_free(stream_labels);
	assert_int_equal(jdoc_count(jdoc_get(*ret_doc, "streams")), 1);
	stream = jdoc_at(jdoc_get(*ret_doc, "streams"), 0);
	check_text(jdoc_get(stream, "stream"), "env", "test");
	check_text(jdoc_get(stream, "stream"), "kind", "rescue");
	check_text(jdoc_get(stream, "stream"), "event_type", "rescue.bundle");
	check_text(jdoc_get(stream, "stream"), "org", "acme");
	assert_int_equal(jdoc_count(jdoc_get(stream, "values")), 2);
	return jdoc_get(stream, "values");
}

static void loki_push_carries_each_record_as_it_is_with_rising_timestamps_and_metadata(void **state)
{
	struct cargo cargo;
	struct jdoc *doc, *values, *metadata;

	(void)state;
	fixture_cargo(ID, two, 2, &cargo);
	values = push_both(&cargo, true, &doc);
	assert_true(span_eq(jdoc_text(jdoc_at(jdoc_at(values, 0), 0)), SPAN_LIT("1769817600000000000")));
	assert_true(span_eq(jdoc_text(jdoc_at(jdoc_at(values, 1), 0)), SPAN_LIT("1769817600000000001")));
	for (size_t i = 0; i < 2; i++)
		assert_true(span_eq(jdoc_text(jdoc_at(jdoc_at(values, i), 1)), cargo.entries[i].line));
	metadata = jdoc_at(jdoc_at(values, 1), 2);
	check_text(metadata, "workspace_id", "ws-1");
	check_text(metadata, "capture_id", ID);
	check_text(metadata, "section", "docker-ps");
	check_text(metadata, "outcome", "absent");
	check_text(metadata, "instance_id", "i-1");
	jdoc_free(doc);
	cargo_done(&cargo);
}

static void loki_push_without_structured_metadata_has_none(void **state)
{
	struct cargo cargo;
	struct jdoc *doc, *values;

	(void)state;
	fixture_cargo(ID, two, 2, &cargo);
	values = push_both(&cargo, false, &doc);
	assert_int_equal(jdoc_count(jdoc_at(values, 0)), 2);
	jdoc_free(doc);
	cargo_done(&cargo);
}

static void loki_push_is_full_before_a_megabyte_but_takes_any_line_alone(void **state)
{
	static uint8_t line[LIMIT_RECORD_LINE];
	struct sink_config config = { .label_count = 0 };
	struct jdoc *stream_labels = loki_push_labels(&config, "acme");
	struct cargo cargo;
	struct loki_push push;

	(void)state;
	memset(line, 'x', sizeof line);
	fixture_cargo(ID, two, 2, &cargo);
	loki_push_init(&push, stream_labels, true);
	while (loki_push_fits(&push, span_of(line, sizeof line)))
		assert_int_equal(loki_push_add(&push, 1, span_of(line, sizeof line), &cargo, cargo.entries), STATUS_OK);
	assert_int_equal(push.count, 3);
	loki_push_reset(&push);
	assert_true(loki_push_fits(&push, span_of(line, sizeof line)));
	loki_push_done(&push);
	jdoc_free(stream_labels);
	cargo_done(&cargo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loki_push_carries_each_record_as_it_is_with_rising_timestamps_and_metadata),
		cmocka_unit_test(loki_push_without_structured_metadata_has_none),
		cmocka_unit_test(loki_push_is_full_before_a_megabyte_but_takes_any_line_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

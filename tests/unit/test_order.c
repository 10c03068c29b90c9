#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/order.h"

#define ID "0195b0a4-1111-4222-8333-444455556666"

static void order_survives_the_wire(void **state)
{
	struct order sent = { .capture_id = ID, .workspace_id = "ws-1", .reason = REASON_BOOTSTRAP, .deadline_s = 45,
		              .grace_until_ns = INT64_C(1769817600123456000), .ordered_ns = INT64_C(1769731200000001000) };
	BUF_AUTO wire = BUF_INIT(4096);
	struct order got;

	(void)state;
	assert_int_equal(order_format(&sent, &wire), STATUS_OK);
	assert_int_equal(order_parse(buf_span(&wire), &got, NULL), STATUS_OK);
	assert_string_equal(got.capture_id, sent.capture_id);
	assert_string_equal(got.workspace_id, sent.workspace_id);
	assert_int_equal(got.reason, sent.reason);
	assert_int_equal(got.deadline_s, sent.deadline_s);
	assert_int_equal(got.grace_until_ns, sent.grace_until_ns);
	assert_int_equal(got.ordered_ns, sent.ordered_ns);
}

static void order_ignores_fields_of_a_newer_sweeper(void **state)
{
	struct order got;

	(void)state;
	assert_int_equal(order_parse(SPAN_LIT("{\"capture_id\":\"" ID "\",\"workspace_id\":\"w\",\"new\":[1],"
	                                      "\"reason\":\"provision_timeout_sweep\",\"deadline_s\":1,"
	                                      "\"grace_until\":\"2026-01-31T00:00:00+01:00\"}"), &got, NULL), STATUS_OK);
	assert_int_equal(got.reason, REASON_SWEEP);
	assert_int_equal(got.ordered_ns, 0);
}

static void order_names_the_field_that_is_wrong(void **state)
{
	static const struct {
		const char *json, *field;
	} cases[] = {
		{ "[]", "object" },
		{ "{", "JSON" },
		{ "{\"workspace_id\":\"w\"}", "capture_id" },
		{ "{\"capture_id\":\"../../etc/passwd\"}", "capture_id" },
		{ "{\"capture_id\":\"0195B0A4-1111-4222-8333-444455556666\"}", "capture_id" },
		{ "{\"capture_id\":\"" ID "\",\"workspace_id\":\"a/b\"}", "workspace_id" },
		{ "{\"capture_id\":\"" ID "\",\"workspace_id\":\"w\",\"reason\":\"rm -rf\"}", "reason" },
		{ "{\"capture_id\":\"" ID "\",\"workspace_id\":\"w\",\"reason\":\"bootstrap_watcher\",\"deadline_s\":0}",
		  "deadline_s" },
		{ "{\"capture_id\":\"" ID "\",\"workspace_id\":\"w\",\"reason\":\"bootstrap_watcher\",\"deadline_s\":9,"
		  "\"grace_until\":\"tomorrow\"}", "grace_until" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = ERR_INIT;
		struct order got;

		assert_int_equal(order_parse(span_cstr(cases[i].json), &got, &err), STATUS_INVALID);
		assert_non_null(strstr(err.text, cases[i].field));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_survives_the_wire),
		cmocka_unit_test(order_ignores_fields_of_a_newer_sweeper),
		cmocka_unit_test(order_names_the_field_that_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

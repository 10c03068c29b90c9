#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <stdio.h>

#include "proto/bundle.h"
#include "shared/gzip.h"
#include "sweeper/ship/unreachable.h"

#define ID "0195b0a4-1111-4222-8333-444455556666"

struct seen {
	size_t count;
	char content[1024];
	char instance_id[LIMIT_INSTANCE_ID + 1];
	enum record_outcome outcome;
};

static enum status note(void *ctx, const struct bundle_section *section, struct err *err)
{
	struct seen *seen = ctx;

	(void)err;
	seen->count++;
	seen->outcome = section->first->outcome;
	(void)snprintf(seen->content, sizeof seen->content, "%.*s", SPAN_ARG(section->content));
	(void)snprintf(seen->instance_id, sizeof seen->instance_id, "%.*s", SPAN_ARG(section->first->instance_id));
	return STATUS_OK;
}

/* Makes the bundle and reads it back as strictly as an agent's. */
static void make(const struct redactor *redactor, const struct ledger_capture *capture, struct seen *ret_seen)
{
	struct unreachable unreachable = { .org = "acme", .redactor = redactor };
	BUF_AUTO packed = BUF_INIT(LIMIT_BUNDLE_GZIP);
	BUF_AUTO ndjson = BUF_INIT(LIMIT_BUNDLE_BYTES);
	struct err err = ERR_INIT;

	memset(ret_seen, 0, sizeof *ret_seen);
	assert_int_equal(unreachable_make(&unreachable, capture, &packed), STATUS_OK);
	assert_int_equal(gzip_expand(buf_span(&packed), &ndjson), STATUS_OK);
	assert_int_equal(bundle_read(buf_span(&ndjson), note, ret_seen, &err), STATUS_OK);
	assert_int_equal(ret_seen->count, 1);
	assert_int_equal(ret_seen->outcome, OUTCOME_UNREACHABLE);
}

static const struct ledger_capture asked = {
	.capture_id = ID, .workspace_id = "ws-1", .instance_id = "i-0123456789abcdef0", .reason = REASON_BOOTSTRAP,
	.requested_ns = INT64_C(1769817600000000000), .deadline_ns = INT64_C(1769817645000000000),
};

static void unreachable_says_since_when_it_was_asked_and_that_no_agent_came(void **state)
{
	struct redactor *redactor;
	struct seen seen;

	(void)state;
	assert_int_equal(redactor_new(&(struct redact_options){ 0 }, &redactor, NULL), STATUS_OK);
	make(redactor, &asked, &seen);
	assert_non_null(strstr(seen.content, "ordered at 2026-01-31T00:00:00"));
	assert_non_null(strstr(seen.content, "no agent came by 2026-01-31T00:00:45"));
	assert_string_equal(seen.instance_id, "i-0123456789abcdef0");
	redactor_free(redactor);
}

static void unreachable_says_why_a_bundle_was_refused_and_redacts_it(void **state)
{
	struct ledger_capture refused = asked;
	struct redactor *redactor;
	struct seen seen;

	(void)state;
	refused.state = CAPTURE_REFUSED;
	refused.last_error = "record 2: ts: password=hunter2hunter2";
	assert_int_equal(redactor_new(&(struct redact_options){ 0 }, &redactor, NULL), STATUS_OK);
	make(redactor, &refused, &seen);
	assert_non_null(strstr(seen.content, "was refused: record 2: ts: password=[REDACTED"));
	assert_null(strstr(seen.content, "hunter2"));
	redactor_free(redactor);
}

static void unreachable_tells_an_agent_that_took_the_order_from_one_that_never_came(void **state)
{
	struct ledger_capture taken = asked;
	struct redactor *redactor;
	struct seen seen;

	(void)state;
	taken.delivered_ns = INT64_C(1769817601000000000);
	assert_int_equal(redactor_new(&(struct redact_options){ 0 }, &redactor, NULL), STATUS_OK);
	make(redactor, &taken, &seen);
	assert_non_null(strstr(seen.content, "taken by an agent at 2026-01-31T00:00:01"));
	redactor_free(redactor);
}

static void unreachable_says_when_there_is_no_instance(void **state)
{
	struct ledger_capture none = asked;
	struct redactor *redactor;
	struct seen seen;

	(void)state;
	none.instance_id[0] = '\0';
	assert_int_equal(redactor_new(&(struct redact_options){ 0 }, &redactor, NULL), STATUS_OK);
	make(redactor, &none, &seen);
	assert_non_null(strstr(seen.content, "names no instance"));
	assert_string_equal(seen.instance_id, "");
	redactor_free(redactor);
}

static void unreachable_without_a_redactor_tells_nothing_that_was_read(void **state)
{
	struct seen seen;

	(void)state;
	make(NULL, &asked, &seen);
	assert_string_equal(seen.content, "(unreachable: no agent came by the deadline)");
	assert_string_equal(seen.instance_id, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unreachable_says_since_when_it_was_asked_and_that_no_agent_came),
		cmocka_unit_test(unreachable_says_why_a_bundle_was_refused_and_redacts_it),
		cmocka_unit_test(unreachable_tells_an_agent_that_took_the_order_from_one_that_never_came),
		cmocka_unit_test(unreachable_says_when_there_is_no_instance),
		cmocka_unit_test(unreachable_without_a_redactor_tells_nothing_that_was_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/upload.h"
#include "agent_fake_sweeper.h"

#define CAPTURE "11111111-2222-4333-8444-555555555555"

static struct parcel *make_parcel(void)
{
	const struct record_origin origin = {
		.org = SPAN_LIT("acme"),
		.workspace_id = SPAN_LIT("ws-1"),
		.capture_id = SPAN_LIT(CAPTURE),
	};
	struct parcel *parcel = parcel_new(&origin);
	struct clean_text *content = clean_text_literal("words");
	struct err err = ERR_INIT;

	assert_int_equal(parcel_add(parcel, &(struct section){ .name = "verdict", .content = content }), STATUS_OK);
	assert_int_equal(parcel_seal(parcel, &err), STATUS_OK);
	clean_text_free(content);
	return parcel;
}

static void upload_end_follows_the_answer(void **state)
{
	static const struct {
		int code;
		enum upload_end end;
	} cases[] = {
		{ 201, UPLOAD_STORED },  { 200, UPLOAD_STORED },  { 404, UPLOAD_GONE },    { 403, UPLOAD_REFUSED },
		{ 409, UPLOAD_REFUSED }, { 413, UPLOAD_REFUSED }, { 422, UPLOAD_REFUSED }, { 400, UPLOAD_REFUSED },
	};
	struct parcel *parcel = make_parcel();

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct fake_answer answer = { .code = cases[i].code };
		enum upload_end end;
		struct link link;

		fake_start(&link, 1, &answer, 1);
		assert_int_equal(upload_run(&link, parcel, &end), STATUS_OK);
		assert_int_equal(end, cases[i].end);
		assert_string_equal(fake.urls[0], "https://one/v1/captures/" CAPTURE "/bundle");
		assert_string_equal(fake.method, "PUT");
		assert_true(span_eq(fake.body, parcel_gzip(parcel)));
		/* The sweeper has answered for good: whatever comes next need not wait. */
		assert_int_equal(link_pause_ms(&link), 0);
	}
	parcel_free(parcel);
}

static void upload_is_repeated_until_it_is_answered_for_good(void **state)
{
	static const struct fake_answer answers[] = {
		{ .status = STATUS_UNAVAILABLE },
		{ .code = 503 },
		{ .code = 201 },
	};
	struct parcel *parcel = make_parcel();
	enum upload_end end;
	struct link link;

	(void)state;
	fake_start(&link, 2, answers, 3);
	assert_int_equal(upload_run(&link, parcel, &end), STATUS_OK);
	assert_int_equal(end, UPLOAD_STORED);
	assert_int_equal(fake.used, 3);
	assert_int_equal(strncmp(fake.urls[1], "https://two/", 12), 0);
	parcel_free(parcel);
}

static void upload_waits_as_long_as_retry_after_says(void **state)
{
	static const struct fake_answer answers[] = { { .code = 503, .retry_after_s = 90 } };
	struct parcel *parcel = make_parcel();
	enum upload_end end;
	struct link link;

	(void)state;
	fake_start(&link, 1, answers, 1);
	fake.stop_with_last = true;
	assert_int_equal(upload_run(&link, parcel, &end), STATUS_STOPPED);
	assert_in_range(link_pause_ms(&link), 89000, 90000);
	fake_unstop();
	parcel_free(parcel);
}

int main(void)
{
	struct err err = ERR_INIT;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(upload_end_follows_the_answer),
		cmocka_unit_test(upload_is_repeated_until_it_is_answered_for_good),
		cmocka_unit_test(upload_waits_as_long_as_retry_after_says),
	};

	return stop_init(&err) == STATUS_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}

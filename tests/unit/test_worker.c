/* What comes from the process that read a hostile box is bytes from outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/worker.h"
#include "shared/clock.h"

enum { REPORT_MAX = 64 * 1024, SOON_MS = 20 };

static const struct capture_table table = {
	.rows = { { .name = "config.yaml", .outcome = OUTCOME_OK, .bytes = 7 }, { .name = "host", .outcome = OUTCOME_ERROR } },
	.count = 2,
	.withheld = true,
};

/* What a good worker sends. A pipe takes 64 KiB. */
static size_t good_report(uint8_t report[static REPORT_MAX], enum status status, const char *words)
{
	struct err err = ERR_INIT;
	int ends[2];
	ssize_t len;

	(void)snprintf(err.text, sizeof err.text, "%s", words);
	assert_int_equal(pipe(ends), 0);
	assert_true(worker_send(ends[1], status, &err, &table, status == STATUS_OK ? SPAN_LIT("bundle") : SPAN_LIT("")));
	len = read(ends[0], report, REPORT_MAX);
	assert_true(len > 0 && len < REPORT_MAX);
	(void)close(ends[0]);
	(void)close(ends[1]);
	return (size_t)len;
}

/* `is_whole`: the other end is closed afterwards. */
static enum status receive(const uint8_t *report, size_t len, bool is_whole, struct worker_report *ret_report,
                           struct err *err)
{
	enum status status;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], report, len), (ssize_t)len);
	if (is_whole)
		(void)close(ends[1]);
	status = worker_receive(ends[0], clock_mono_ms() + SOON_MS, ret_report, err);
	if (!is_whole)
		(void)close(ends[1]);
	(void)close(ends[0]);
	return status;
}

static void report_arrives_as_it_was_sent(void **state)
{
	static uint8_t report[REPORT_MAX];
	size_t len = good_report(report, STATUS_OK, "");
	struct worker_report got;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(receive(report, len, true, &got, &err), STATUS_OK);
	assert_true(span_eq(buf_span(&got.bundle), SPAN_LIT("bundle")));
	assert_int_equal(got.table.count, 2);
	assert_string_equal(got.table.rows[1].name, "host");
	assert_true(got.table.withheld);
	buf_done(&got.bundle);
}

static void failure_arrives_with_its_words(void **state)
{
	static uint8_t report[REPORT_MAX];
	size_t len = good_report(report, STATUS_NO_MEMORY, "cannot capture: out of memory");
	struct worker_report got;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(receive(report, len, true, &got, &err), STATUS_NO_MEMORY);
	assert_string_equal(err.text, "cannot capture: out of memory");
	assert_int_equal(got.bundle.len, 0);
}

static void report_that_ends_early_or_stalls_is_told_apart(void **state)
{
	static uint8_t report[REPORT_MAX];
	size_t len = good_report(report, STATUS_OK, "");
	struct worker_report got;
	struct err err = ERR_INIT;

	(void)state;
	for (size_t cut = 0; cut < len; cut += cut < 64 || len - cut < 64 ? 1 : 97) {
		assert_int_equal(receive(report, cut, true, &got, &err), STATUS_CLOSED);
		assert_int_equal(got.bundle.len, 0);
	}
	assert_int_equal(receive(report, len - 1, false, &got, &err), STATUS_TIMEOUT);
	assert_int_equal(receive(report, 0, false, &got, &err), STATUS_TIMEOUT);
}

/* Every byte of the head set to each of some values: nothing is read or written where it should not be. */
static void hostile_report_is_refused_or_bounded(void **state)
{
	static const uint8_t values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	static uint8_t report[REPORT_MAX];
	size_t len = good_report(report, STATUS_OK, "");
	size_t refused = 0;

	(void)state;
	for (size_t at = 0; at < len; at++) {
		for (size_t i = 0; i < sizeof values; i++) {
			struct worker_report got;
			struct err err = ERR_INIT;
			uint8_t before = report[at];

			report[at] = values[i];
			if (receive(report, len, true, &got, &err) != STATUS_OK)
				refused++;
			assert_true(got.table.count <= LIMIT_SECTIONS || got.bundle.len == 0);
			assert_true(got.bundle.len <= LIMIT_BUNDLE_BYTES);
			buf_done(&got.bundle);
			report[at] = before;
		}
	}
	assert_true(refused > 0);
}

static void sections_with_other_names_are_refused(void **state)
{
	static uint8_t report[REPORT_MAX];
	size_t len = good_report(report, STATUS_OK, "");
	uint8_t *name = memmem(report, len, "config.yaml", 11);
	struct worker_report got;
	struct err err = ERR_INIT;

	(void)state;
	assert_non_null(name);
	name[3] = '\x1b';
	assert_int_equal(receive(report, len, true, &got, &err), STATUS_INVALID);
	memset(name, 'a', LIMIT_SECTION_NAME + 1);
	assert_int_equal(receive(report, len, true, &got, &err), STATUS_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(report_arrives_as_it_was_sent),
		cmocka_unit_test(failure_arrives_with_its_words),
		cmocka_unit_test(report_that_ends_early_or_stalls_is_told_apart),
		cmocka_unit_test(hostile_report_is_refused_or_bounded),
		cmocka_unit_test(sections_with_other_names_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sweeper/ship/loki_answer.h"

static const struct {
	int code;
	const char *body;
	enum loki_verdict verdict;
} rows[] = {
	{ 204, "", LOKI_STORED },
	{ 200, "", LOKI_STORED },
	{ 400, "max entry size '262144' bytes exceeded for stream '{a=\"b\"}' while adding an entry", LOKI_REFUSED },
	{ 400, "entry for stream '{}' has timestamp too old: 2026-01-01T00:00:00Z, oldest acceptable", LOKI_MISTIMED },
	{ 400, "entry for stream '{}' has timestamp too new: 2026-01-01T00:00:00Z", LOKI_MISTIMED },
	{ 400, "entry with timestamp 2026 ignored, reason: 'entry too far behind, oldest'", LOKI_MISTIMED },
	{ 400, "max entry size '1' bytes exceeded; and: has timestamp too old: 2026", LOKI_MISTIMED },
	{ 400, "entry for stream '{}' has 16 label names; limit 15", LOKI_MISCONFIGURED },
	{ 400, "couldn't parse labels: 1:3", LOKI_MISCONFIGURED },
	{ 400, "stream '{}' has label value too long: 'v'", LOKI_MISCONFIGURED },
	{ 400, "stream '{}' has label name too long: 'v'", LOKI_MISCONFIGURED },
	{ 400, "snappy: corrupt input", LOKI_MISCONFIGURED },
	{ 400, "stream '{}' has too many structured metadata labels: '129', limit: '128'", LOKI_REFUSED },
	{ 400, "stream '{}' has structured metadata too large: '66001' bytes, limit: '65536' bytes", LOKI_REFUSED },
	{ 400, "something new", LOKI_REFUSED },
	{ 400, "", LOKI_REFUSED },
	{ 422, "error at least one valid stream is required for ingestion", LOKI_REFUSED },
	{ 401, "", LOKI_MISCONFIGURED },
	{ 403, "", LOKI_MISCONFIGURED },
	{ 404, "", LOKI_MISCONFIGURED },
	{ 405, "", LOKI_MISCONFIGURED },
	{ 302, "", LOKI_MISCONFIGURED },
	{ 408, "", LOKI_LATER },
	{ 413, "request body too large: 1 bytes", LOKI_TOO_BIG },
	{ 429, "ingestion rate limit exceeded for user fake", LOKI_BUSY },
	{ 500, "rpc error: code = ResourceExhausted desc = grpc: received message larger than max (5 vs. 4)",
	  LOKI_TOO_BIG },
	{ 500, "internal", LOKI_LATER },
	{ 502, "", LOKI_BUSY },
	{ 503, "", LOKI_BUSY },
	{ 504, "", LOKI_BUSY },
	{ 0, "", LOKI_MISCONFIGURED },
};

static void loki_answer_names_what_each_answer_means(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct loki_answer answer = loki_answer_read(rows[i].code, span_cstr(rows[i].body));

		if (answer.verdict != rows[i].verdict)
			fail_msg("%d \"%s\": %d", rows[i].code, rows[i].body, (int)answer.verdict);
		assert_true(strlen(answer.reason) > 0);
	}
}

static void loki_answer_never_repeats_what_loki_said(void **state)
{
	(void)state;
	struct loki_answer answer = loki_answer_read(400, span_cstr("could not read sk-secret: max entry size"));

	assert_null(strstr(answer.reason, "secret"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loki_answer_names_what_each_answer_means),
		cmocka_unit_test(loki_answer_never_repeats_what_loki_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

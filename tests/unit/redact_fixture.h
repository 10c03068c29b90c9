/*
 * redact_fixture: one redactor with the built-in rules for a whole group of tests, and what a text has to become. Behind
 * cmocka.h.
 */
#ifndef RESCUE_TESTS_UNIT_REDACT_FIXTURE_H
#define RESCUE_TESTS_UNIT_REDACT_FIXTURE_H

#include "shared/redact/redact.h"

static struct redactor *redactor;

static int setup(void **state)
{
	(void)state;
	return redactor_new(NULL, &redactor, NULL) == STATUS_OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	redactor_free(redactor);
	return 0;
}

static inline void check_text(const char *in, const char *out)
{
	struct clean_text *clean = NULL;

	assert_int_equal(redact_span(redactor, span_cstr(in), &clean, NULL), STATUS_OK);
	if (!span_eq(clean_text_span(clean), span_cstr(out)))
		fail_msg("%s\ngives\n%.*s", in, SPAN_ARG(clean_text_span(clean)));
	clean_text_free(clean);
}

struct pair {
	const char *in;
	const char *out;
};

static inline void check_pairs(const struct pair *pairs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_text(pairs[i].in, pairs[i].out);
}

#define CHECK_PAIRS(pairs) check_pairs((pairs), sizeof(pairs) / sizeof *(pairs))

#endif

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "shared/config.h"
#include "sweeper/gate/log_tail.h"

static struct redactor *redactor;

static int set_up(void **state)
{
	const struct redact_options options = { .rules_dir = NULL };

	(void)state;
	return redactor_new(&options, &redactor, NULL) == STATUS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	redactor_free(redactor);
	return 0;
}

static void log_tail_cuts_at_characters_and_never_keeps_more(void **state)
{
	static const struct {
		const char *text;
		size_t max;
		const char *last, *first;
	} cases[] = {
		{ "", 4, "", "" },
		{ "abc", 4, "abc", "abc" },
		{ "abcd", 4, "abcd", "abcd" },
		{ "abcdef", 4, "cdef", "abcd" },
		{ "a€b€c", 5, "b€c", "a€b" },  /* the euro sign takes three bytes */
		{ "a€b€c", 4, "€c", "a€" },
		{ "a€b€c", 3, "c", "a" },
		{ "€€€", 2, "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		BUF_AUTO last = BUF_INIT(4096);
		BUF_AUTO first = BUF_INIT(4096);

		assert_int_equal(log_tail_keep_last(redactor, span_cstr(cases[i].text), cases[i].max, &last), STATUS_OK);
		assert_int_equal(log_tail_keep_first(redactor, span_cstr(cases[i].text), cases[i].max, &first), STATUS_OK);
		assert_string_equal(buf_cstr(&last), cases[i].last);
		assert_string_equal(buf_cstr(&first), cases[i].first);
	}
}

/* Wherever the cut falls in the secret, none of it may show: half a key is no key to a rule any more. */
static void log_tail_masks_a_secret_that_the_cut_would_split(void **state)
{
	static const char secret[] = "ghp_Zx81kQv0RtY7uWp3LmN5bC2dE4fG6hJ8aS9d";

	(void)state;
	for (size_t cut = 1; cut < sizeof secret + 8; cut++) {
		BUF_AUTO raw = BUF_INIT(65536);
		BUF_AUTO out = BUF_INIT(65536);

		buf_printf(&raw, "started\ntoken=%s\nended", secret);
		assert_int_equal(log_tail_keep_last(redactor, buf_span(&raw), cut, &out), STATUS_OK);
		assert_true(out.len <= cut);
		for (size_t at = 0; at + 6 < sizeof secret; at++)
			assert_int_equal(span_find(buf_span(&out), span_of(secret + at, 6), 0), out.len);
	}
}

static void log_tail_says_so_when_it_cannot_vouch(void **state)
{
	BUF_AUTO out = BUF_INIT(4096);

	(void)state;
	assert_int_equal(log_tail_keep_last(NULL, SPAN_LIT("some words"), 8192, &out), STATUS_OK);
	assert_int_equal(strncmp(buf_cstr(&out), "(withheld: ", 11), 0);
	assert_null(strstr(buf_cstr(&out), "some words"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(log_tail_cuts_at_characters_and_never_keeps_more),
		cmocka_unit_test(log_tail_masks_a_secret_that_the_cut_would_split),
		cmocka_unit_test(log_tail_says_so_when_it_cannot_vouch),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

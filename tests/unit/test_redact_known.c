/*
 * Known values as somebody may have turned them round, and as what shows them breaks them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "shared/redact/redact.h"

static const char secret[] = "Tiger-Coffee\"Zebra9Lamp";

static struct redactor *own;

static int setup(void **state)
{
	(void)state;
	if (redactor_new(NULL, &own, NULL) != STATUS_OK)
		return -1;
	return redactor_add_value(own, span_cstr(secret), "KNOWN_VALUE") == STATUS_OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	redactor_free(own);
	return 0;
}

static void check(const char *in, const char *out)
{
	struct clean_text *clean = NULL;

	assert_int_equal(redact_span(own, span_cstr(in), &clean, NULL), STATUS_OK);
	if (!span_eq(clean_text_span(clean), span_cstr(out)))
		fail_msg("%s\ngives\n%.*s", in, SPAN_ARG(clean_text_span(clean)));
	clean_text_free(clean);
}

static void redact_masks_known_values_turned_round(void **state)
{
	(void)state;
	check("a pmaL9arbeZ\"eeffoC-regiT b", "a [REDACTED:KNOWN_VALUE] b");
	check("a TIGER-COFFEE\"ZEBRA9LAMP b", "a [REDACTED:KNOWN_VALUE] b");
	check("a tiger-coffee\"zebra9lamp b", "a [REDACTED:KNOWN_VALUE] b");
	check("a kruwozlsfvbw6ztgmvssewtfmjzgcokmmfwxa b", "a [REDACTED:KNOWN_VALUE]a b");
	check("{\\\\\\\"v\\\\\\\":\\\\\\\"Tiger-Coffee\\\\\\\\\\\\\\\"Zebra9Lamp\\\\\\\"}",
	      "{\\\\\\\"v\\\\\\\":\\\\\\\"[REDACTED:KNOWN_VALUE]\\\\\\\"}");
	check("a &#84;iger-Coffee&#x22;Zebra9Lam&#112; b", "a [REDACTED:KNOWN_VALUE] b");
	check("a [84 105 103 101 114 45 67 111 102 102 101 101 34 90 101 98 114 97 57 76 97 109 112] b",
	      "a [[REDACTED:KNOWN_VALUE]] b");
	check("a 54:69:67:65:72:2d:43:6f:66:66:65:65:22:5a:65:62:72:61:39:4c:61:6d:70 b", "a [REDACTED:KNOWN_VALUE] b");
	check("a Tiger-Coffee b", "a Tiger-Coffee b");
}

static void redact_masks_known_values_that_are_broken(void **state)
{
	(void)state;
	check("a Tiger-Cof\nfee\"Zebra9Lamp b", "a [REDACTED:KNOWN_VALUE] b");
	check("a Tiger-Coffee\"Zebra9\n  Lamp b", "a [REDACTED:KNOWN_VALUE] b");
	check("a T\r\niger-Coffee\"Zebra9Lamp b", "a [REDACTED:KNOWN_VALUE] b");
	check("a 'Tiger''-Coffee\"Zebra9Lamp' b", "a '[REDACTED:KNOWN_VALUE]' b");
	check("a 'Tiger-Coffee\"' + 'Zebra9Lamp' b", "a '[REDACTED:KNOWN_VALUE]' b");
	check("a Tiger-Coffee\"Zebra\\n9Lamp b", "a [REDACTED:KNOWN_VALUE] b");
	check("a Tiger\xE2\x80\x8B-Coffee\"Zebra9Lamp b", "a [REDACTED:KNOWN_VALUE] b");
	check("a T\xE2\x80\x8Bi\xE2\x80\x8Bg\xE2\x80\x8B" "er-\xE2\x80\x8B" "Coffee\"\xE2\x80\x8BZebra9\xE2\x80\x8BLamp b",
	      "a [REDACTED:KNOWN_VALUE] b");
	check("a Tiger-Coffee and\nZebra9Lamp b", "a Tiger-Coffee and\nZebra9Lamp b");
}

/* What is held already as another value's form is a value of its own, with forms of its own. */
static void redact_keeps_a_value_that_is_a_form_of_another(void **state)
{
	struct redactor *two = NULL;
	struct clean_text *clean = NULL;

	(void)state;
	assert_int_equal(redactor_new(NULL, &two, NULL), STATUS_OK);
	assert_int_equal(redactor_add_value(two, SPAN_LIT("PURPLE-Monkey"), "KNOWN_VALUE"), STATUS_OK);
	assert_int_equal(redactor_add_value(two, SPAN_LIT("purple-monkey"), "KNOWN_VALUE"), STATUS_OK);
	assert_int_equal(redactor_known_count(two), 2);
	assert_int_equal(redact_span(two, SPAN_LIT("a cHVycGxlLW1vbmtleQ== b"), &clean, NULL), STATUS_OK);
	assert_int_equal(clean_text_redactions(clean), 1);
	clean_text_free(clean);
	redactor_free(two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(redact_masks_known_values_turned_round),
		cmocka_unit_test(redact_masks_known_values_that_are_broken),
		cmocka_unit_test(redact_keeps_a_value_that_is_a_form_of_another),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

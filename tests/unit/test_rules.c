#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "shared/file.h"
#include "sweeper/rules.h"

#define NO_RULES "/nonexistent/rescue-rules"

static enum status redact(const struct redactor *redactor)
{
	struct clean_text *clean = NULL;
	enum status status = redact_span(redactor, SPAN_LIT("plain words"), &clean, NULL);

	clean_text_free(clean);
	return status;
}

static void rules_withhold_before_they_are_loaded(void **state)
{
	const struct redactor *redactor = rules_acquire();

	(void)state;
	assert_null(redactor);
	assert_int_equal(redact(redactor), STATUS_WITHHELD);
	rules_release(redactor);
}

static void rules_that_are_replaced_live_until_they_are_released(void **state)
{
	struct err err = ERR_INIT;
	const struct redactor *first, *second;

	(void)state;
	assert_int_equal(rules_load(NO_RULES, &err), STATUS_OK);
	first = rules_acquire();
	assert_non_null(first);
	assert_int_equal(rules_load(NO_RULES, &err), STATUS_OK);
	second = rules_acquire();
	assert_ptr_not_equal(first, second);
	assert_int_equal(redact(first), STATUS_OK);
	assert_int_equal(redact(second), STATUS_OK);
	rules_release(first);
	rules_unload();
	assert_int_equal(redact(second), STATUS_OK);
	rules_release(second);
	assert_null(rules_acquire());
}

static void rules_that_do_not_load_withhold_instead_of_leaving_the_older_ones(void **state)
{
	char dir[] = "/tmp/rescue-rules-XXXXXX", path[64];
	struct err err = ERR_INIT;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof path, "%s/bad.yaml", dir);
	assert_int_equal(rules_load(dir, &err), STATUS_OK);
	assert_int_equal(file_write_atomic(path, SPAN_LIT("rules: [{name: x, pattern: '(['}]\n"), 0600, &err), STATUS_OK);
	assert_int_not_equal(rules_load(dir, &err), STATUS_OK);
	assert_null(rules_acquire());
	(void)unlink(path);
	(void)rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_withhold_before_they_are_loaded),
		cmocka_unit_test(rules_that_are_replaced_live_until_they_are_released),
		cmocka_unit_test(rules_that_do_not_load_withhold_instead_of_leaving_the_older_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

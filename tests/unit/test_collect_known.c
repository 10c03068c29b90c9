#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/collect/collect.h"
#include "shared/file.h"

struct fixture {
	char root[64];
	char path[128];
	char *files[1];
	struct agent_config config;
	struct redactor *redactor;
};

static int set_up(void **state)
{
	static struct redact_options options;
	struct fixture *fixture = calloc(1, sizeof *fixture);

	if (fixture == NULL)
		return -1;
	(void)snprintf(fixture->root, sizeof fixture->root, "/tmp/rescue-known-XXXXXX");
	if (mkdtemp(fixture->root) == NULL)
		return -1;
	(void)snprintf(fixture->path, sizeof fixture->path, "%s/token", fixture->root);
	fixture->files[0] = strdup("/token");
	fixture->config.root = fixture->root;
	fixture->config.redaction.known_value_files = (struct config_texts){ fixture->files, 1 };
	*state = fixture;
	return redactor_new(&options, &fixture->redactor, NULL) == STATUS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	redactor_free(fixture->redactor);
	(void)unlink(fixture->path);
	(void)rmdir(fixture->path);
	(void)rmdir(fixture->root);
	free(fixture->files[0]);
	free(fixture);
	return 0;
}

static void put(const struct fixture *fixture, const char *content)
{
	assert_int_equal(file_write_atomic(fixture->path, span_cstr(content), 0600, NULL), STATUS_OK);
}

static void expect_masked(const struct fixture *fixture, const char *text, const char *gone)
{
	struct clean_text *clean;

	assert_int_equal(redact_span(fixture->redactor, span_cstr(text), &clean, NULL), STATUS_OK);
	assert_int_equal(span_find(clean_text_span(clean), span_cstr(gone), 0), clean_text_span(clean).len);
	clean_text_free(clean);
}

static void a_file_is_known_as_a_whole_and_line_by_line(void **state)
{
	struct fixture *fixture = *state;

	put(fixture, "\n  blue whale \r\n\n\tgreen parrot\n");
	assert_int_equal(collect_known_values(&fixture->config, fixture->redactor, NULL), STATUS_OK);
	expect_masked(fixture, "say blue whale!", "whale");
	expect_masked(fixture, "say green parrot!", "parrot");
}

static void a_missing_or_empty_file_is_fine(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(collect_known_values(&fixture->config, fixture->redactor, NULL), STATUS_OK);
	put(fixture, " \n\n");
	assert_int_equal(collect_known_values(&fixture->config, fixture->redactor, NULL), STATUS_OK);
}

static void what_keeps_a_value_from_being_known_is_an_error(void **state)
{
	struct fixture *fixture = *state;
	struct err err = ERR_INIT;
	BUF_AUTO large = BUF_INIT(LIMIT_KNOWN_VALUE_BYTES + 1);
	BUF_AUTO many = BUF_INIT(LIMIT_KNOWN_VALUE_BYTES);

	put(fixture, "a secret value\n");
	assert_int_not_equal(collect_known_values(&fixture->config, NULL, &err), STATUS_OK);
	assert_null(strstr(err.text, "secret value"));
	for (size_t i = 0; i <= LIMIT_KNOWN_VALUE_BYTES; i++)
		buf_append_byte(&large, 'x');
	put(fixture, buf_cstr(&large));
	assert_int_equal(collect_known_values(&fixture->config, fixture->redactor, &err), STATUS_TOO_LARGE);
	while (many.len + 2 <= many.max)
		buf_append_cstr(&many, "v\n");
	put(fixture, buf_cstr(&many));
	assert_int_equal(collect_known_values(&fixture->config, fixture->redactor, &err), STATUS_TOO_LARGE);
	assert_int_equal(unlink(fixture->path), 0);
	assert_int_equal(mkdir(fixture->path, 0700), 0);
	assert_int_equal(collect_known_values(&fixture->config, fixture->redactor, &err), STATUS_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_is_known_as_a_whole_and_line_by_line, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_missing_or_empty_file_is_fine, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_keeps_a_value_from_being_known_is_an_error, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/collect/collect.h"
#include "agent/collect/known_files.h"
#include "shared/file.h"

static struct collect_known known;

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
	assert_int_equal(collect_known_values(&fixture->config, fixture->redactor, &known, NULL), STATUS_OK);
	expect_masked(fixture, "say blue whale!", "whale");
	expect_masked(fixture, "say green parrot!", "parrot");
}

static void a_missing_or_empty_file_is_fine(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(collect_known_values(&fixture->config, fixture->redactor, &known, NULL), STATUS_OK);
	put(fixture, " \n\n");
	assert_int_equal(collect_known_values(&fixture->config, fixture->redactor, &known, NULL), STATUS_OK);
}

static void what_keeps_a_value_from_being_known_is_an_error(void **state)
{
	struct fixture *fixture = *state;
	struct err err = ERR_INIT;
	BUF_AUTO large = BUF_INIT(LIMIT_KNOWN_VALUE_BYTES + 1);
	BUF_AUTO many = BUF_INIT(LIMIT_KNOWN_VALUE_BYTES);

	put(fixture, "a secret value\n");
	assert_int_not_equal(collect_known_values(&fixture->config, NULL, &known, &err), STATUS_OK);
	assert_null(strstr(err.text, "secret value"));
	for (size_t i = 0; i <= LIMIT_KNOWN_VALUE_BYTES; i++)
		buf_append_byte(&large, 'x');
	put(fixture, buf_cstr(&large));
	assert_int_equal(collect_known_values(&fixture->config, fixture->redactor, &known, &err), STATUS_TOO_LARGE);
	while (many.len + 2 <= many.max)
		buf_append_cstr(&many, "v\n");
	put(fixture, buf_cstr(&many));
	assert_int_equal(collect_known_values(&fixture->config, fixture->redactor, &known, &err), STATUS_TOO_LARGE);
	assert_int_equal(unlink(fixture->path), 0);
	assert_int_equal(mkdir(fixture->path, 0700), 0);
	assert_int_equal(collect_known_values(&fixture->config, fixture->redactor, &known, &err), STATUS_INVALID);
}

/* Each text holds the secret that follows it; another text without names around it must be masked from then on. */
static void credential_files_are_understood(void **state)
{
	static const struct {
		enum status (*read)(struct span content, struct redactor *redactor);
		const char *content, *secret;
	} cases[] = {
		{ known_read_netrc, "machine h login u password blue-whale-9\n", "blue-whale-9" },
		{ known_read_netrc, "machine h\n  login u\n\tpassword\n  green-parrot-8", "green-parrot-8" },
		{ known_read_netrc, "default login password password \"red panda\"", "red panda" },
		{ known_read_docker, "{\"auths\":{\"r.example\":{\"auth\":\"Ym9iOmdyZXktc2VhbC03\"}}}", "grey-seal-7" },
		{ known_read_docker, "{\"auths\":{\"r.example\":{\"auth\":\"Ym9iOmdyZXktc2VhbC03\"}}}", "Ym9iOmdyZXktc2VhbC03" },
		{ known_read_docker, "{\"auths\":{\"r\":{\"identitytoken\":\"pale-heron-66\"}}}", "pale-heron-66" },
		{ known_read_docker, "not JSON: password: black-swan-3x", "black-swan-3x" },
		{ known_read_variables, "[default]\naws_secret_access_key = tan-otter-55\n", "tan-otter-55" },
		{ known_read_variables, "export A_TOKEN='cyan-lynx-44'\n", "cyan-lynx-44" },
		{ known_read_variables, "DATABASE_URL=postgres://app:dun-horse-33@db/x", "dun-horse-33" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct redactor *redactor = NULL;
		struct clean_text *clean = NULL;
		char text[128];

		assert_int_equal(redactor_new(NULL, &redactor, NULL), STATUS_OK);
		assert_int_equal(cases[i].read(span_cstr(cases[i].content), redactor), STATUS_OK);
		(void)snprintf(text, sizeof text, "seen <%s> here", cases[i].secret);
		assert_int_equal(redact_span(redactor, span_cstr(text), &clean, NULL), STATUS_OK);
		if (clean_text_redactions(clean) != 1)
			fail_msg("%s: %s", cases[i].content, text);
		clean_text_free(clean);
		redactor_free(redactor);
	}
}

static void what_everyone_says_is_not_known(void **state)
{
	struct redactor *redactor = NULL;

	(void)state;
	assert_int_equal(redactor_new(NULL, &redactor, NULL), STATUS_OK);
	assert_int_equal(known_read_variables(SPAN_LIT("A_PASSWORD=postgres\nB_TOKEN=/run/secrets/token\nC_SECRET=true\n"
	                                               "D_KEY=${OTHER}\nPATH=/usr/local/bin:/usr/bin\nE_PASSWORD=short\n"
	                                               "GPG_KEY=E3FF2839C048B25C084DEBE9B26995E310250568\n"),
	                                      redactor),
	                 STATUS_OK);
	assert_int_equal(redactor_known_count(redactor), 0);
	redactor_free(redactor);
}

static void the_lines_of_a_long_value_are_known_each(void **state)
{
	struct redactor *redactor = NULL;
	struct clean_text *clean = NULL;

	(void)state;
	assert_int_equal(redactor_new(NULL, &redactor, NULL), STATUS_OK);
	assert_int_equal(redactor_learn_variable(redactor, SPAN_LIT("TLS_PRIVATE_KEY"),
	                                         SPAN_LIT("-----BEGIN X-----\nq8ZkT2vLmN4xWc7RbJd9\nfoot\n-----END X-----\n")),
	                 STATUS_OK);
	assert_int_equal(redact_span(redactor, SPAN_LIT("read q8ZkT2vLmN4xWc7RbJd9, foot"), &clean, NULL), STATUS_OK);
	assert_true(span_eq(clean_text_span(clean), SPAN_LIT("read [REDACTED:PRIVATE_KEY], foot")));
	clean_text_free(clean);
	redactor_free(redactor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_is_known_as_a_whole_and_line_by_line, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_missing_or_empty_file_is_fine, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_keeps_a_value_from_being_known_is_an_error, set_up, tear_down),
		cmocka_unit_test(credential_files_are_understood),
		cmocka_unit_test(what_everyone_says_is_not_known),
		cmocka_unit_test(the_lines_of_a_long_value_are_known_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "shared/redact/stream.h"

/* The linker sends every allocation here (--wrap): the one whose turn it is fails. */
static long allocations_left = -1;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);

/* pcre2_jit_compile(3) when the machine refuses executable memory. */
static bool jit_is_refused;
enum { JIT_NO_MEMORY = -48 };

struct pcre2_real_code_8;
int __real_pcre2_jit_compile_8(struct pcre2_real_code_8 *code, uint32_t options);
int __wrap_pcre2_jit_compile_8(struct pcre2_real_code_8 *code, uint32_t options);

int __wrap_pcre2_jit_compile_8(struct pcre2_real_code_8 *code, uint32_t options)
{
	return jit_is_refused ? JIT_NO_MEMORY : __real_pcre2_jit_compile_8(code, options);
}

static bool fails(void)
{
	return allocations_left >= 0 && allocations_left-- == 0;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
	return fails() ? NULL : __real_reallocarray(old, count, size);
}

static const char text[] =
	"\033[1mexport MY_TOKEN=abc123def\033[0m ghp_ABCDEFGH1234567890 \xFF\n"
	"password%3Dhunter22 https://u:pw12345@h/ quiet-harbor-9\n"
	"-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ5zX7vN1mK8pL2wR4tY6uI9oP0sw\n-----END CERTIFICATE-----\n"
	"data: dXNlcjogYm9iCnBhc3N3b3JkOiBodW50ZXIyMgo= key_id=abc\n";

static bool holds_secret(struct span out)
{
	static const char *const secrets[] = { "abc123def", "ghp_", "hunter22", "pw12345", "quiet-harbor", "bodW50ZXIy" };

	for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
		if (span_find(out, span_cstr(secrets[i]), 0) < out.len)
			return true;
	}
	return false;
}

/* Everything from loading to text, with allocation number `turn` failing. True when nothing failed. */
static bool try_all(long turn)
{
	struct redactor *redactor = NULL;
	struct clean_text *clean = NULL;
	struct redact_tags *tags;
	struct raw_text raw;
	enum status status;

	raw_text_init(&raw, 65536);
	buf_append(&raw.bytes, text, sizeof text - 1);
	allocations_left = turn;
	tags = redact_tags_new();
	status = redactor_new(NULL, &redactor, NULL);
	if (status == STATUS_OK)
		(void)!redactor_add_value(redactor, SPAN_LIT("quiet-harbor-9"), "KNOWN_VALUE");
	status = redact_text_tagged(redactor, tags, &raw, &clean, NULL);
	turn = allocations_left;
	allocations_left = -1;
	assert_true(status == STATUS_OK || status == STATUS_WITHHELD);
	assert_true((status == STATUS_OK) == (clean != NULL));
	if (clean != NULL)
		assert_false(holds_secret(clean_text_span(clean)));
	clean_text_free(clean);
	redactor_free(redactor);
	redact_tags_free(tags);
	raw_text_done(&raw);
	return turn >= 0;
}

static void redact_leaks_nothing_when_any_allocation_fails(void **state)
{
	long turn = 0;

	(void)state;
	while (!try_all(turn))
		turn++;
	assert_true(turn > 50);
}

static enum status drop(void *ctx, const struct clean_text *clean)
{
	(void)ctx;
	assert_false(holds_secret(clean_text_span(clean)));
	return STATUS_OK;
}

static void redact_stream_leaks_nothing_when_any_allocation_fails(void **state)
{
	struct redactor *redactor = NULL;
	bool failed = true;

	(void)state;
	for (long turn = 0; failed; turn++) {
		struct redact_stream *stream;
		enum status status = STATUS_WITHHELD;

		assert_int_equal(redactor_new(NULL, &redactor, NULL), STATUS_OK);
		assert_int_equal(redactor_add_value(redactor, SPAN_LIT("quiet-harbor-9"), "K"), STATUS_OK);
		allocations_left = turn;
		stream = redact_stream_new(redactor, NULL, drop, NULL);
		if (stream != NULL)
			status = redact_stream_feed(stream, span_of(text, sizeof text - 1), NULL);
		if (status == STATUS_OK)
			status = redact_stream_finish(stream, NULL);
		failed = allocations_left < 0;
		allocations_left = -1;
		redact_stream_free(stream);
		redactor_free(redactor);
		assert_true(failed || status == STATUS_OK);
	}
}

static void write_file(const char *dir, const char *name, const char *content)
{
	char path[256];
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(content, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static enum status load(const char *content, struct redactor **ret_redactor, struct err *err)
{
	char dir[] = "/tmp/redact-rules-XXXXXX", path[256];
	struct redact_options options = { .rules_dir = dir };
	enum status status;

	assert_non_null(mkdtemp(dir));
	write_file(dir, "site.yaml", content);
	status = redactor_new(&options, ret_redactor, err);
	(void)snprintf(path, sizeof path, "%s/site.yaml", dir);
	(void)unlink(path);
	(void)rmdir(dir);
	return status;
}

static void check(const struct redactor *redactor, const char *in, const char *out)
{
	struct clean_text *clean = NULL;

	assert_int_equal(redact_span(redactor, span_cstr(in), &clean, NULL), STATUS_OK);
	if (!span_eq(clean_text_span(clean), span_cstr(out)))
		fail_msg("%s gives %.*s", in, SPAN_ARG(clean_text_span(clean)));
	clean_text_free(clean);
}

static void redact_follows_the_rules_of_the_site(void **state)
{
	struct redactor *redactor = NULL;

	(void)state;
	assert_int_equal(load("rules:\n"
	                      "  - {name: acme, label: ACME, keywords: [acme_], pattern: 'acme_[a-z]{6}'}\n"
	                      "disable: [openai-key]\n"
	                      "allow:\n"
	                      "  - {value: handbook-password, reason: printed}\n"
	                      "  - {pattern: 'fixture-[0-9]+', reason: tests}\n",
	                      &redactor, NULL),
	                 STATUS_OK);
	check(redactor, "x acme_abcdef y", "x [REDACTED:ACME] y");
	check(redactor, "x sk-1234567890abcdefgh y", "x sk-1234567890abcdefgh y");
	check(redactor, "x\npassword: handbook-password\n", "x\npassword: handbook-password\n");
	check(redactor, "x\npassword: fixture-12\n", "x\npassword: fixture-12\n");
	check(redactor, "x\npassword: fixture-12b\n", "x\npassword: [REDACTED:PASSWORD]\n");
	redactor_free(redactor);
}

static void redact_names_the_place_of_a_bad_site_rule(void **state)
{
	static const struct {
		const char *content, *place;
	} cases[] = {
		{ "rules:\n  - {name: a, label: A, keywords: [abc], pattern: 'a(b'}\n", "site.yaml:2:" },
		{ "rules:\n  - {name: a, label: A, keywords: [ab], pattern: 'ab'}\n", "site.yaml:2:" },
		{ "disable: [no-such-rule]\n", "site.yaml:1:" },
		{ "allow:\n  - {value: x}\n", "site.yaml:2:" },
		{ "deny: []\n", "site.yaml:1:" },
		{ "rules: [\n", "site.yaml:" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct redactor *redactor = NULL;
		struct err err = ERR_INIT;

		assert_int_equal(load(cases[i].content, &redactor, &err), STATUS_INVALID);
		assert_null(redactor);
		if (strstr(err.text, cases[i].place) == NULL)
			fail_msg("%s: %s", cases[i].content, err.text);
	}
}

static void redact_masks_the_same_without_compiled_patterns(void **state)
{
	struct redactor *redactor = NULL;

	(void)state;
	jit_is_refused = true;
	assert_int_equal(redactor_new(NULL, &redactor, NULL), STATUS_OK);
	check(redactor, "see ghp_ABCDEFGH1234567890 and AKIA2J5PH6W7ZD2LV4ZP", "see [REDACTED:GITHUB_TOKEN] and "
	                                                                      "[REDACTED:AWS_ACCESS_KEY]");
	redactor_free(redactor);
	jit_is_refused = false;
}

static void redact_refuses_a_rules_folder_that_cannot_be_read(void **state)
{
	struct redactor *redactor = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_not_equal(redactor_new(&(struct redact_options){ .rules_dir = "/dev/null" }, &redactor, &err), STATUS_OK);
	assert_null(redactor);
	assert_non_null(strstr(err.text, "/dev/null"));
	assert_int_equal(redactor_new(&(struct redact_options){ .rules_dir = "/no/such/folder" }, &redactor, &err), STATUS_OK);
	redactor_free(redactor);
}

static void redact_withholds_when_a_site_rule_hits_the_match_limit(void **state)
{
	struct redactor *redactor = NULL;
	struct clean_text *clean = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(load("rules:\n  - {name: a, label: A, keywords: [evil], pattern: 'evil(?:a|aa|aaa)+x'}\n",
	                      &redactor, NULL),
	                 STATUS_OK);
	assert_int_equal(redact_span(redactor, SPAN_LIT("evilaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaacx"),
	                             &clean, &err),
	                 STATUS_WITHHELD);
	assert_null(clean);
	assert_null(strstr(err.text, "aaaa"));
	redactor_free(redactor);
}

/* A rule that finds something in every mask never comes to rest. */
static void redact_withholds_what_a_second_scan_still_finds_something_in(void **state)
{
	struct redactor *redactor = NULL;
	struct clean_text *clean = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(load("rules:\n  - {name: a, label: A, keywords: [REDACTED], pattern: 'REDACTED'}\n", &redactor, NULL),
	                 STATUS_OK);
	assert_int_equal(redact_span(redactor, SPAN_LIT("x\npassword: hunter22\n"), &clean, &err), STATUS_WITHHELD);
	assert_null(clean);
	assert_null(strstr(err.text, "hunter"));
	check(redactor, "nothing here", "nothing here");
	redactor_free(redactor);
}

static void redact_refuses_a_rule_file_that_cannot_be_read(void **state)
{
	char dir[] = "/tmp/redact-rules-XXXXXX", path[256];
	const struct redact_options options = { .rules_dir = dir };
	struct redactor *redactor = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof path, "%s/site.yaml", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_not_equal(redactor_new(&options, &redactor, &err), STATUS_OK);
	assert_null(redactor);
	assert_non_null(strstr(err.text, "site.yaml"));
	(void)rmdir(path);
	(void)rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(redact_leaks_nothing_when_any_allocation_fails),
		cmocka_unit_test(redact_stream_leaks_nothing_when_any_allocation_fails),
		cmocka_unit_test(redact_follows_the_rules_of_the_site),
		cmocka_unit_test(redact_names_the_place_of_a_bad_site_rule),
		cmocka_unit_test(redact_masks_the_same_without_compiled_patterns),
		cmocka_unit_test(redact_refuses_a_rules_folder_that_cannot_be_read),
		cmocka_unit_test(redact_withholds_when_a_site_rule_hits_the_match_limit),
		cmocka_unit_test(redact_withholds_what_a_second_scan_still_finds_something_in),
		cmocka_unit_test(redact_refuses_a_rule_file_that_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * What the redactor costs, counted: basic blocks of its own code (the compiler calls __sanitizer_cov_trace_pc in each),
 * steps of PCRE2 (a callout at each item of a pattern), and bytes that memchr and its like pass over. No clock is asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "shared/redact/redact.h"
#include "shared/redact/rule.h"
#include "tests/unit/redact_fixture.h"

/*
 * Two sizes of text, and how many times as much the larger one may cost. No search goes further than 64 KiB: in twice a
 * text that is larger, twice the work and what the searches near its end were spared; the square would be four times.
 * For the many rules smaller texts have to do, whose searches end with the text: four times the text may cost up to ten
 * times as much; the square would be 16 times.
 */
struct sizes {
	size_t small, large;
	unsigned most_growth_tenths;
};

static const struct sizes beyond_windows = { 80 * 1024, 160 * 1024, 30 }, within_windows = { 8 * 1024, 32 * 1024, 100 };

enum { MOST_PER_BYTE = 2500, BYTES_A_STEP = 16 };

static uint64_t steps;

void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
	steps++;
}

void *__real_memchr(const void *bytes, int c, size_t len);
void *__wrap_memchr(const void *bytes, int c, size_t len);
void *__real_memrchr(const void *bytes, int c, size_t len);
void *__wrap_memrchr(const void *bytes, int c, size_t len);
void *__real_memmem(const void *bytes, size_t len, const void *needle, size_t needle_len);
void *__wrap_memmem(const void *bytes, size_t len, const void *needle, size_t needle_len);

void *__wrap_memchr(const void *bytes, int c, size_t len)
{
	const uint8_t *found = __real_memchr(bytes, c, len);

	steps += (found == NULL ? len : (size_t)(found - (const uint8_t *)bytes)) / BYTES_A_STEP;
	return (void *)(uintptr_t)found;
}

void *__wrap_memrchr(const void *bytes, int c, size_t len)
{
	const uint8_t *found = __real_memrchr(bytes, c, len);

	steps += (found == NULL ? len : (size_t)((const uint8_t *)bytes + len - found)) / BYTES_A_STEP;
	return (void *)(uintptr_t)found;
}

void *__wrap_memmem(const void *bytes, size_t len, const void *needle, size_t needle_len)
{
	const uint8_t *found = __real_memmem(bytes, len, needle, needle_len);

	steps += (found == NULL ? len : (size_t)(found - (const uint8_t *)bytes)) / BYTES_A_STEP;
	return (void *)(uintptr_t)found;
}

pcre2_code *__real_pcre2_compile_8(PCRE2_SPTR pattern, PCRE2_SIZE len, uint32_t options, int *error, PCRE2_SIZE *offset,
                                   pcre2_compile_context *context);
pcre2_code *__wrap_pcre2_compile_8(PCRE2_SPTR pattern, PCRE2_SIZE len, uint32_t options, int *error, PCRE2_SIZE *offset,
                                   pcre2_compile_context *context);
pcre2_match_context *__real_pcre2_match_context_create_8(pcre2_general_context *general);
pcre2_match_context *__wrap_pcre2_match_context_create_8(pcre2_general_context *general);

pcre2_code *__wrap_pcre2_compile_8(PCRE2_SPTR pattern, PCRE2_SIZE len, uint32_t options, int *error, PCRE2_SIZE *offset,
                                   pcre2_compile_context *context)
{
	return __real_pcre2_compile_8(pattern, len, options | PCRE2_AUTO_CALLOUT, error, offset, context);
}

static int count_callout(pcre2_callout_block *block, void *ctx)
{
	(void)block;
	(void)ctx;
	steps++;
	return 0;
}

pcre2_match_context *__wrap_pcre2_match_context_create_8(pcre2_general_context *general)
{
	pcre2_match_context *context = __real_pcre2_match_context_create_8(general);

	if (context != NULL)
		(void)pcre2_set_callout(context, count_callout, NULL);
	return context;
}

static uint64_t cost_of(struct span unit, size_t size)
{
	struct buf in = BUF_INIT(size + unit.len);
	struct clean_text *clean = NULL;

	while (in.len < size)
		buf_append_span(&in, unit);
	steps = 0;
	/* Withheld is a fine answer for output beyond its cap. */
	(void)!redact_span(redactor, buf_span(&in), &clean, NULL);
	clean_text_free(clean);
	buf_done(&in);
	return steps;
}

static void check(struct span unit, const struct sizes *sizes)
{
	uint64_t small = cost_of(unit, sizes->small), large = cost_of(unit, sizes->large);

	if (large * 10 > sizes->most_growth_tenths * small || large > (uint64_t)MOST_PER_BYTE * sizes->large)
		fail_msg("%.*s: %llu steps for %zu bytes, %llu for %zu", SPAN_ARG(unit), (unsigned long long)small,
		         sizes->small, (unsigned long long)large, sizes->large);
}

static void redact_costs_are_counted(void **state)
{
	static const char plain[] = "nothing to see here ";
	static const char token[] = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.aB3dE5fG7hJ9 ";

	(void)state;
	assert_true(cost_of(span_cstr(plain), 8192) > 8192 / 64);
	assert_true(cost_of(span_cstr(token), 8192) > 8 * cost_of(span_cstr(plain), 8192));
}

static void redact_costs_grow_no_faster_than_hostile_text(void **state)
{
	static const char *const units[] = {
		"password", "token=", "token=\"", "token:'\\", "https://", "://a:", "-----BEGIN PRIVATE KEY-----",
		"-----END PRIVATE KEY-----", "END PRIVATE KEY-----\n", "-----BEGIN A PRIVATE KEY-----\nAAAA\n", "eyJ", "%3D",
		"%3Da ", "\\u0061", "&#97;", "\xEF\xBC\x9A", "a\xC2\xA0:\n", "\xE2\x80\x8B", "kind: Secret\n", "kind: Secret\ndata:\n a: b\n", "\\x1b[", "\\e[31mtoken=a", "bearer ", "A", "a/", "ZXlK",
		"password: |\n", "password: <<EOF\n", "token\\\"", "\"name\": \"token\",", "mailgun", "PrivateKey = ", "session=", "Signature=", "\"kty\"", "-u a:",
		"login machine password ", "secret: a, ", "key=", ":5432:", "QUJD\n", "chpasswd:\n", "H4sIAAAAAAAA",
		"token: &a ", "tokens:\n- a\n", "token=\"\"\"", "token=ENC[", "secret = a ", "\"\"\"", "ab_9", "x-1A",
		"{\"name\":\"token\"", "name: token\n", "- name: token\n", "<a name=\"token\"", "<name>token</name>",
		"token: {\"a\": 1, ", "token=<value>", "--token\n", "token=ab12cd34ef56 ab12cd34ef5 ", "(token) values", "(token) values ('a'),('b'),", "(a,token) from stdin\na\tb\n", "{\"kind\":\"Secret\",\"data\":{\"a\":", "kind: Secret\ndata: {a: b, ", "<td>token</td>", ":\\n", "\":\\n", "&quot;", "&lt;/a ", "0000000 ", "00000000: 6161 6161  aaaa\n", "0000000   a   b\n", "00000000: 746f 6b65 6e3d 6162\n", "a,token\n", "a,token\n--\n", "token,a,b\n--\na,token,b\n--\n", "a,token\nb,c\nd\n", "token,", "a | token | b\n", "\"/a/token\"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		check(span_cstr(units[i]), &beyond_windows);
}

/* Keywords without end, and what nearly is a credential and makes the pattern go all the way in vain. */
static void redact_costs_of_every_rule_grow_no_faster_than_hostile_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < rule_count; i++)
		check(span_cstr(rule_table[i].keywords[0]), &within_windows);
	for (size_t i = 0; i < rule_example_count; i++) {
		struct span example = span_cstr(rule_examples[i].text);

		if (!rule_examples[i].is_secret || (i > 0 && strcmp(rule_examples[i].rule, rule_examples[i - 1].rule) == 0 &&
		                                    rule_examples[i - 1].is_secret))
			continue;
		check(span_sub(example, 0, example.len - 1), &within_windows);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(redact_costs_are_counted),
		cmocka_unit_test(redact_costs_grow_no_faster_than_hostile_text),
		cmocka_unit_test(redact_costs_of_every_rule_grow_no_faster_than_hostile_text),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

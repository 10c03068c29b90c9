#include "shared/redact/pattern.h"

#include <stdlib.h>

#ifndef PCRE2_CODE_UNIT_WIDTH
#define PCRE2_CODE_UNIT_WIDTH 8
#endif
#include <pcre2.h>

/*
 * One attempt sees a few hundred bytes and the rules have no nested repeats, so that a sound rule stays far
 * below these; reaching them means that a rule is not sound.
 */
enum { MATCH_LIMIT = 100000, DEPTH_LIMIT = 1000, HEAP_LIMIT_KIB = 1024, GROUPS = 2 };

struct pattern {
	pcre2_code *code;
};

struct matcher {
	pcre2_match_data *data;
	pcre2_match_context *context;
};

enum status pattern_new(const char *source, bool anchored, struct pattern **ret_pattern, struct err *err)
{
	struct pattern *pattern = calloc(1, sizeof *pattern);
	uint32_t options = PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY | PCRE2_USE_OFFSET_LIMIT;
	int error = 0;
	PCRE2_SIZE offset = 0;

	*ret_pattern = NULL;
	if (pattern == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	if (anchored)
		options |= PCRE2_ANCHORED;
	pattern->code = pcre2_compile((PCRE2_SPTR)source, PCRE2_ZERO_TERMINATED, options, &error, &offset, NULL);
	if (pattern->code == NULL) {
		PCRE2_UCHAR words[128] = "";

		free(pattern);
		if (error == PCRE2_ERROR_HEAP_FAILED)
			return err_set(err, STATUS_NO_MEMORY, "out of memory");
		(void)pcre2_get_error_message(error, words, sizeof words);
		return err_set(err, STATUS_INVALID, "pattern is wrong at offset %zu: %s", (size_t)offset,
		               (const char *)words);
	}
	(void)pcre2_jit_compile(pattern->code, PCRE2_JIT_COMPLETE);
	*ret_pattern = pattern;
	return STATUS_OK;
}

void pattern_free(struct pattern *pattern)
{
	if (pattern == NULL)
		return;
	pcre2_code_free(pattern->code);
	free(pattern);
}

struct matcher *matcher_new(void)
{
	struct matcher *matcher = calloc(1, sizeof *matcher);

	if (matcher == NULL)
		return NULL;
	matcher->data = pcre2_match_data_create(GROUPS, NULL);
	matcher->context = pcre2_match_context_create(NULL);
	if (matcher->data == NULL || matcher->context == NULL) {
		matcher_free(matcher);
		return NULL;
	}
	(void)pcre2_set_match_limit(matcher->context, MATCH_LIMIT);
	(void)pcre2_set_depth_limit(matcher->context, DEPTH_LIMIT);
	(void)pcre2_set_heap_limit(matcher->context, HEAP_LIMIT_KIB);
	return matcher;
}

void matcher_free(struct matcher *matcher)
{
	if (matcher == NULL)
		return;
	pcre2_match_data_free(matcher->data);
	pcre2_match_context_free(matcher->context);
	free(matcher);
}

enum status pattern_find(const struct pattern *pattern, struct matcher *matcher, struct span text, size_t from,
                         size_t last, struct pattern_hit *ret_hit)
{
	const PCRE2_SIZE *at;
	int groups;

	(void)pcre2_set_offset_limit(matcher->context, last);
	groups = pcre2_match(pattern->code, text.ptr, text.len, from, 0, matcher->data, matcher->context);
	if (groups == PCRE2_ERROR_NOMATCH)
		return STATUS_NOT_FOUND;
	if (groups < 0)
		return STATUS_WITHHELD;
	at = pcre2_get_ovector_pointer(matcher->data);
	ret_hit->match_end = at[1];
	/* groups is 0 when there are more groups than there is room for: the first is there all the same. */
	if (groups != 1 && at[2] != PCRE2_UNSET)
		at += 2;
	ret_hit->start = at[0];
	ret_hit->end = at[1];
	return STATUS_OK;
}

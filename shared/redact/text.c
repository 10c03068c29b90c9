#include "shared/redact/text.h"

#include <stdlib.h>

#include "shared/redact/clean.h"

enum { FIRST_CAP = 16 };

void raw_text_init(struct raw_text *text, size_t max_bytes)
{
	buf_init(&text->bytes, max_bytes);
	text->context_len = 0;
}

void raw_text_done(struct raw_text *text)
{
	buf_wipe(&text->bytes);
	text->context_len = 0;
}

struct clean_text *clean_text_new(size_t max_bytes)
{
	struct clean_text *text = calloc(1, sizeof *text);

	if (text != NULL)
		buf_init(&text->bytes, max_bytes);
	return text;
}

struct span clean_text_span(const struct clean_text *text)
{
	return buf_span(&text->bytes);
}

size_t clean_text_redactions(const struct clean_text *text)
{
	return text->count;
}

enum status clean_text_note(struct clean_text *text, struct redact_masking masking)
{
	if (text->count == text->cap) {
		size_t cap = text->cap == 0 ? FIRST_CAP : text->cap * 2;
		struct redact_masking *maskings = reallocarray(text->maskings, cap, sizeof *maskings);

		if (maskings == NULL)
			return STATUS_NO_MEMORY;
		text->maskings = maskings;
		text->cap = cap;
	}
	text->maskings[text->count++] = masking;
	return STATUS_OK;
}

size_t clean_text_maskings(const struct clean_text *text, const struct redact_masking **ret_maskings)
{
	*ret_maskings = text->maskings;
	return text->count;
}

/* The first masking of this rule, and not a later one. */
static bool is_first_of_rule(const struct clean_text *text, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (strcmp(text->maskings[i].rule, text->maskings[index].rule) == 0)
			return false;
	}
	return true;
}

void clean_text_each_rule(const struct clean_text *text, void (*each)(void *ctx, const char *rule, size_t count),
                          void *ctx)
{
	for (size_t i = 0; i < text->count; i++) {
		const char *rule = text->maskings[i].rule;
		size_t count = 0;

		if (!is_first_of_rule(text, i))
			continue;
		for (size_t k = i; k < text->count; k++)
			count += strcmp(text->maskings[k].rule, rule) == 0;
		each(ctx, rule, count);
	}
}

void clean_text_free(struct clean_text *text)
{
	if (text == NULL)
		return;
	buf_done(&text->bytes);
	free(text->maskings);
	free(text);
}

#include "shared/redact/header.h"

#include "shared/redact/chars.h"

enum { TOKEN_MIN = 10 };

bool header_is(const struct assignment *name)
{
	return strcmp(name->label, "AUTHORIZATION") == 0 || strcmp(name->label, "COOKIE") == 0;
}

/* "Bearer xyz" */
static size_t skip_scheme(struct span text, size_t at, size_t end)
{
	static const char *const schemes[] = { "bearer", "basic", "token", "digest", "negotiate", "apikey", "key" };
	size_t word = at;

	while (word < end && is_alpha(text.ptr[word]))
		word++;
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		if (word < end && is_blank(text.ptr[word]) &&
		    span_eq_nocase(span_sub(text, at, word - at), span_cstr(schemes[i])))
			return literal_skip_blanks(text, word);
	}
	return at;
}

/* To the quote it stands in or to the end of the line. */
static size_t line_end(struct span text, const struct assignment *name, size_t at)
{
	bool is_enclosed = literal_quote_len_before(text, name->start) > 0;
	size_t ends = is_enclosed ? 5 : 2;

	while (at < text.len && memchr("\n\r\"'`", text.ptr[at], ends) == NULL &&
	       !(text.ptr[at] == '\\' && at + 1 < text.len && memchr("nrt\"'", text.ptr[at + 1], 5) != NULL))
		at++;
	return at;
}

void header_take(struct span text, const struct assignment *name, struct literal *value)
{
	if (!name->value.quoted && name->form != ASSIGN_BLANK)
		value->end = line_end(text, name, value->end);
	value->start = skip_scheme(text, value->start, value->end);
}

bool header_is_behind_scheme(const struct assignment *name, size_t start, struct span value)
{
	return start > name->value.start && value.len >= TOKEN_MIN && chars_count(value).digits > 0 &&
	       memchr(value.ptr, ' ', value.len) == NULL;
}

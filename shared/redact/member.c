#include "shared/redact/member.h"

#include "shared/redact/chars.h"
#include "shared/redact/words.h"

enum { MAX_PATH = 128, MAX_KEY = 64, MAX_LINES = 16 };

/* A key that stands at `start`, in front of a sign. */
struct key {
	size_t start; /* with its quote */
	size_t quote; /* bytes of that; 0: bare */
	uint8_t sign;
	struct span word;
};

static size_t back_over_blanks(struct span text, size_t at)
{
	while (at > 0 && is_blank(text.ptr[at - 1]))
		at--;
	return at;
}

static bool is_word_byte(uint8_t c)
{
	return is_alnum(c) || c == '_' || c == '-';
}

/* "/prod/db/password" is named as a whole: where the value begins in which the name stands. */
static size_t value_start(struct span text, const struct assignment *name)
{
	size_t least = name->outer > MAX_PATH ? name->outer - MAX_PATH : 0;
	size_t quote = literal_quote_len(text, name->end);
	size_t opening = name->outer;

	if (quote > 0)
		opening = chars_find_last(text, text.ptr[name->end + quote - 1], least, name->outer);
	return opening == name->outer ? name->outer : opening + 1;
}

/* Reads the key whose value begins at `at`, or right behind a quote there. */
static bool read_key_before(struct span text, size_t at, struct key *ret_key)
{
	size_t end;

	at = back_over_blanks(text, at - literal_quote_len_before(text, at));
	if (at == 0 || (text.ptr[at - 1] != ':' && text.ptr[at - 1] != '='))
		return false;
	ret_key->sign = text.ptr[--at];
	at = back_over_blanks(text, at);
	ret_key->quote = literal_quote_len_before(text, at);
	end = at -= ret_key->quote;
	while (at > 0 && end - at < MAX_KEY && is_word_byte(text.ptr[at - 1]))
		at--;
	ret_key->word = span_sub(text, at, end - at);
	ret_key->start = at - literal_quote_len_before(text, at);
	return true;
}

static bool ends_with_nocase(struct span text, struct span end)
{
	return text.len >= end.len && span_eq_nocase(span_sub(text, text.len - end.len, end.len), end);
}

/* "name", "Key", "ParameterKey", "variable": what stands there is what something is called. */
static bool names_something(const struct key *key)
{
	static const struct span words[] = {
		{ (const uint8_t *)"name", 4 },  { (const uint8_t *)"key", 3 },     { (const uint8_t *)"variable", 8 },
		{ (const uint8_t *)"field", 5 }, { (const uint8_t *)"setting", 7 }, { (const uint8_t *)"parameter", 9 },
	};

	/* Nearly every other key ends in another letter. */
	if (key->word.len == 0 || memchr("dDeEgGrRyY", key->word.ptr[key->word.len - 1], 10) == NULL)
		return false;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (ends_with_nocase(key->word, words[i]))
			return true;
	}
	return false;
}

/* Behind the sign of the first key in [from, to) that ends in "value" and is quoted as `quote` says; false for none. */
static bool find_value(struct span text, size_t from, size_t to, size_t quote, size_t *ret_at)
{
	struct span part = span_sub(text, 0, to);

	for (size_t at = from; at + 5 < part.len; at++) {
		size_t start = at, end = at + 5;

		if ((part.ptr[at] | 0x20) != 'v' || !span_eq_nocase(span_sub(part, at, 5), SPAN_LIT("value")))
			continue;
		while (start > from && is_word_byte(part.ptr[start - 1]))
			start--;
		if (literal_quote_len(part, end) != quote || (quote > 0 && literal_quote_len_before(part, start) != quote))
			continue;
		end = literal_skip_blanks(part, end + quote);
		if (end < part.len && (part.ptr[end] == ':' || part.ptr[end] == '=')) {
			*ret_at = end + 1;
			return true;
		}
	}
	return false;
}

/* The next of two signs from `at` on; the end of the window when there is none. */
static size_t find_either(struct span text, size_t at, const char signs[2])
{
	struct span window = span_sub(text, 0, at + MEMBER_MAX_OBJECT);

	while (at < window.len && memchr(signs, window.ptr[at], 2) == NULL)
		at++;
	return at;
}

/* {…} and <…/> around `at`: what lies between the nearest of these signs. False when the object does not begin there. */
static bool find_object(struct span text, size_t at, const char signs[2], size_t *ret_start, size_t *ret_end)
{
	size_t least = at > MEMBER_MAX_OBJECT ? at - MEMBER_MAX_OBJECT : 0, start = at;

	while (start > least && memchr(signs, text.ptr[start - 1], 2) == NULL)
		start--;
	if (start == least || text.ptr[start - 1] != (uint8_t)signs[0])
		return false;
	*ret_start = start;
	*ret_end = find_either(text, at, signs);
	return true;
}

/* Where a line's text begins: behind blanks and behind the dash of a list's item. */
static size_t line_column(struct span text, size_t line, bool *ret_is_item)
{
	size_t at = literal_skip_blanks(text, line);

	*ret_is_item = span_starts_with(span_sub(text, at, 2), SPAN_LIT("- "));
	return (*ret_is_item ? literal_skip_blanks(text, at + 1) : at) - line;
}

/* YAML: the lines of one mapping around `at`, which all begin in the same column. */
static bool find_mapping(struct span text, size_t at, size_t *ret_start, size_t *ret_end)
{
	size_t line = literal_line_start(text, at), column, end = literal_line_end(text, at);
	bool is_item;

	column = line_column(text, line, &is_item);
	if (line + column != at)
		return false;
	*ret_start = line;
	for (int i = 0; !is_item && *ret_start > 0 && i < MAX_LINES; i++) {
		line = literal_line_start(text, *ret_start - 1);
		if (line_column(text, line, &is_item) != column)
			break;
		*ret_start = line;
	}
	for (int i = 0; end < text.len && i < MAX_LINES; i++) {
		if (line_column(text, end + 1, &is_item) != column || is_item)
			break;
		end = literal_line_end(text, end + 1);
	}
	*ret_end = end;
	return true;
}

/* <name>password</name> <value>…: behind the tag that follows the one that ends at `at`. */
static bool next_element(struct span text, size_t at, size_t *ret_at)
{
	struct span window = span_sub(text, 0, at + MAX_PATH);

	at = literal_skip_space(text, chars_find(window, '>', at) + 1);
	return member_inside(text, at, ret_at);
}

bool member_beside(struct span text, const struct assignment *name, size_t *ret_at)
{
	struct key key;
	size_t start, end;

	if (span_starts_with(span_sub(text, name->end, 2), SPAN_LIT("</")))
		return name->outer > 0 && text.ptr[name->outer - 1] == '>' && next_element(text, name->end, ret_at);
	if (!read_key_before(text, value_start(text, name), &key) || !names_something(&key))
		return false;
	if (key.sign == '=')
		return find_object(text, key.start, "<>", &start, &end) && find_value(text, start, end, 0, ret_at);
	if (!find_object(text, key.start, "{}", &start, &end) &&
	    (key.quote > 0 || !find_mapping(text, key.start, &start, &end)))
		return false;
	return find_value(text, start, end, key.quote, ret_at);
}

/* <value>, <string>, and the cells of HTML's tables and lists with their attributes. */
static bool is_value_tag(struct span text, size_t at, size_t *ret_at)
{
	static const word_listed tags[] = { "dd", "string", "td", "value" };
	struct span window = span_sub(text, 0, at + MAX_PATH), line;
	size_t end = at + 1;

	while (end < window.len && is_alpha(window.ptr[end]))
		end++;
	if (end >= window.len || window.ptr[at] != '<' ||
	    !words_hold_span(WORD_LIST(tags), span_sub(text, at + 1, end - at - 1)))
		return false;
	if (window.ptr[end] != '>' && window.ptr[end] != ' ')
		return false;
	end = chars_find(window, '>', end) + 1;
	line = span_sub(text, 0, literal_line_end(text, end));
	/* "--password <string> the password" is a usage text. */
	if (end < line.len && is_blank(line.ptr[end]) && span_find(line, SPAN_LIT("</"), end) == line.len)
		return false;
	*ret_at = literal_skip_space(text, end);
	return true;
}

bool member_inside(struct span text, size_t at, size_t *ret_at)
{
	size_t quote;

	if (is_value_tag(text, at, ret_at))
		return true;
	if (at >= text.len || text.ptr[at] != '{')
		return false;
	quote = literal_quote_len(text, literal_skip_space(text, at + 1));
	return find_value(text, at + 1, find_either(text, at + 1, "{}"), quote, ret_at);
}

bool member_below(struct span text, const struct assignment *name, size_t *ret_at)
{
	size_t quote = literal_quote_len(text, name->end), below = name->end + quote + 1, line, column, end;
	bool is_item;

	if (!name->is_flag || below >= text.len || text.ptr[below - 1] != '\n' ||
	    literal_quote_len_before(text, name->outer) != quote)
		return false;
	line = literal_line_start(text, name->outer);
	column = line_column(text, line, &is_item);
	if (line + column + quote != name->outer || line_column(text, below, &is_item) != column)
		return false;
	for (end = below + column; end < text.len && !is_space(text.ptr[end]); end++)
		continue;
	*ret_at = below + column;
	return end > *ret_at && (end == text.len || text.ptr[end] == '\n' || text.ptr[end] == '\r');
}

#include "shared/redact/form.h"

#include "shared/redact/chars.h"

enum {
	MAX_TYPE = 24, /* of the name of a type between a name and its value */
	MAX_ATTRIBUTES = 200,
	MAX_PREFIX = 16, /* of an XML namespace */
	TAB_NAME_MIN = 5, /* "pass" stands before a test's name or time */
};

/* Signs with which what follows a name can go on so that it is given a value. */
static const bool openers[256] = {
	['='] = true, [':'] = true, ['?'] = true, ['+'] = true, ['.'] = true, ['|'] = true, ['-'] = true, ['>'] = true,
	['"'] = true, ['\''] = true, ['`'] = true, ['\\'] = true, [']'] = true, [')'] = true, [','] = true, [';'] = true,
	[' '] = true, ['\t'] = true, ['\r'] = true, ['<'] = true, ['\n'] = true, [0x80 ... 0xFF] = true, /* a table's bar */
};

/*
 * "the token was refreshed", "key (id 7)": the name is a word of a sentence, of which the next one holds letters alone
 * and no sign that could tie it to the name. What is not told here for sure is told when its form is read.
 */
static bool is_in_sentence(struct span text, const struct assignment *name)
{
	size_t at = name->end + 1;

	if (at >= text.len || text.ptr[name->end] != ' ' || name->is_flag || is_upper(text.ptr[name->start]) ||
	    span_eq(span_sub(text, name->start, name->end - name->start), SPAN_LIT("password")) ||
	    (name->start > 0 && memchr("<:", text.ptr[name->start - 1], 2) != NULL))
		return false;
	if (text.ptr[at] == '(')
		return at + 1 < text.len && !is_space(text.ptr[at + 1]);
	if (!is_alpha(text.ptr[at]) || to_lower(text.ptr[at]) == 'v')
		return false;
	while (at < text.len && is_alpha(text.ptr[at]))
		at++;
	return at + 1 < text.len && is_space(text.ptr[at]) && text.ptr[at + 1] != '=' && !is_blank(text.ptr[at + 1]);
}

/* "[REDACTED:API_KEY] r4nd0m": what follows a mask is not its label's. */
static bool is_label(struct span text, const struct assignment *name)
{
	struct span mask = SPAN_LIT("[REDACTED:");

	return text.ptr[name->end] == ']' && name->start >= mask.len &&
	       span_eq(span_sub(text, name->start - mask.len, mask.len), mask);
}

bool form_is_possible(struct span text, const struct assignment *name)
{
	return name->end < text.len && openers[text.ptr[name->end]] && !is_in_sentence(text, name) && !is_label(text, name);
}

static const bool type_bytes[256] = {
	['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true, ['_'] = true, ['['] = true, [']'] = true,
	['*'] = true, ['<'] = true, ['>'] = true, ['.'] = true,
};

/* "KEY string = ", "key: str = ": the type between name and sign. */
static size_t skip_type(struct span text, size_t at)
{
	size_t word = literal_skip_blanks(text, at);
	size_t end = word, digits = 0;

	if (word == at || word == text.len || is_digit(text.ptr[word]))
		return at;
	for (; end < text.len && type_bytes[text.ptr[end]]; end++)
		digits += is_digit(text.ptr[end]);
	if (end == word || end - word > MAX_TYPE || digits > 2)
		return at;
	if (end == text.len || !is_blank(text.ptr[end]))
		return at;
	end = literal_skip_blanks(text, end);
	return end < text.len && text.ptr[end] == '=' ? end : at;
}

static bool is_sign_part(uint8_t c)
{
	return c == ':' || c == '?' || c == '+' || c == '.' || c == '|';
}

/* Any of = : := ::= :::= ?= += .= => -> == and the like. False when no such sign stands there. */
static bool read_sign(struct span text, size_t *at, enum assign_form *ret_form)
{
	size_t i = *at;

	while (i < text.len && i - *at < 4 && is_sign_part(text.ptr[i]))
		i++;
	if (i < text.len && text.ptr[i] == '=') {
		while (i < text.len && (text.ptr[i] == '=' || text.ptr[i] == '>'))
			i++;
		*ret_form = ASSIGN_EQUALS;
	} else if (i == *at + 1 && text.ptr[*at] == ':') {
		size_t typed = skip_type(text, i);

		*ret_form = typed == i ? ASSIGN_COLON : ASSIGN_EQUALS;
		i = typed == i ? i : typed + 1;
	} else if (i == *at && i + 2 < text.len && text.ptr[i] == '-' && text.ptr[i + 1] == '>' &&
	           !is_alpha(text.ptr[i + 2])) {
		*ret_form = ASSIGN_EQUALS;
		i += 2;
	} else {
		return false;
	}
	*at = i;
	return true;
}

/* {"name": "DB_PASSWORD", "value": "…"}, <add key="Password" value="…"/>, "- name: X" over "  value: …". */
static bool read_value_member(struct span text, size_t *at, enum assign_form *ret_form)
{
	size_t i = *at, limit = *at + 80;

	while (i < text.len && i < limit) {
		size_t next = text.ptr[i] == ',' || text.ptr[i] == ';' ? i + 1 : literal_skip_space(text, i);

		if (next == i)
			break;
		i = next;
	}
	if (i == *at)
		return false;
	i += literal_quote_len(text, i);
	if (i >= text.len || to_lower(text.ptr[i]) != 'v' || !span_eq_nocase(span_sub(text, i, 5), SPAN_LIT("value")))
		return false;
	i += 5;
	i += literal_quote_len(text, i);
	i = literal_skip_blanks(text, i);
	if (!read_sign(text, &i, ret_form))
		return false;
	*ret_form = ASSIGN_MEMBER;
	*at = i;
	return true;
}

/* "<ns" before a colon, and an element that is closed: "<user:password>" alone is a placeholder. */
static bool has_namespace(struct span text, size_t colon)
{
	struct span line = span_sub(text, 0, literal_line_end(text, colon));
	size_t at = colon;

	if (span_find(line, SPAN_LIT("</"), colon) == line.len)
		return false;

	while (at > 0 && colon - at < MAX_PREFIX && is_alnum(text.ptr[at - 1]))
		at--;
	return at > 0 && at < colon && text.ptr[at - 1] == '<';
}

/* Where the tag that goes on at `at` ends; 0 when it is none. */
static size_t tag_end(struct span text, const struct assignment *name, size_t at)
{
	uint8_t before = name->start > 0 ? text.ptr[name->start - 1] : 0;
	size_t end = at;

	if (at == text.len || name->start == 0)
		return 0;
	if (name->is_quoted)
		return text.ptr[at] == '>' && name->outer > 1 && text.ptr[name->outer - 2] == '=' ? at + 1 : 0;
	if ((before != '<' && before != ':') || (text.ptr[at] != '>' && text.ptr[at] != ' '))
		return 0;
	while (end < text.len && end - at < MAX_ATTRIBUTES && memchr("<>\n", text.ptr[end], 3) == NULL)
		end++;
	if (end == text.len || text.ptr[end] != '>' || (before == ':' && !has_namespace(text, name->start - 1)))
		return 0;
	return end > 0 && text.ptr[end - 1] != '/' ? end + 1 : 0;
}

/*
 * The text of an element stands right behind its tag, on the next line, or before the tag that closes it: what follows
 * "<password> " is prose about it.
 */
static bool holds_text(struct span text, size_t end)
{
	struct span line = span_sub(text, 0, literal_line_end(text, end));
	size_t at = literal_skip_blanks(line, end);

	return at == line.len || (at == end && memchr("\"'`,;:.@|/)]}", line.ptr[at], 13) == NULL) ||
	       span_find(line, SPAN_LIT("</"), end) < line.len;
}

/*
 * <name>, <ns:name attribute="…"> and <setting key="name">: where the text of the element begins, whose tag goes
 * on at `at`; 0 for none.
 */
static size_t element_text(struct span text, const struct assignment *name, size_t at)
{
	size_t end = tag_end(text, name, at);

	return end > 0 && holds_text(text, end) ? literal_skip_space(text, end) : 0;
}

/* Between the cells of a table, drawn or typed. */
static bool is_bar(struct span text, size_t at, size_t *ret_end)
{
	size_t len = span_starts_with(span_sub(text, at, 3), SPAN_LIT("\xE2\x94\x82")) ? 3 : 1;

	*ret_end = at + len;
	return at + len < text.len && (len == 3 || text.ptr[at] == '|');
}

/* {"command":"passwd","uid":0}: what stands in these quotes was given to a name and is none. */
static bool is_value(struct span text, size_t start)
{
	size_t at = start - literal_quote_len_before(text, start);

	while (at > 0 && is_blank(text.ptr[at - 1]))
		at--;
	return at > 0 && (text.ptr[at - 1] == ':' || text.ptr[at - 1] == '=');
}

bool form_read(struct span text, struct assignment *name, size_t *at)
{
	size_t quote = literal_quote_len(text, *at), i, end;

	name->is_quoted = quote > 0 && literal_quote_len_before(text, name->outer) > 0;
	i = *at + quote;
	while (i < text.len && (text.ptr[i] == ']' || text.ptr[i] == ')'))
		i++;
	end = element_text(text, name, i);
	if (end > 0) {
		name->form = ASSIGN_ELEMENT;
		*at = end;
		return true;
	}
	*at = i;
	if (read_value_member(text, at, &name->form))
		return true;
	*at = name->is_flag ? i : skip_type(text, i);
	if (*at == i)
		*at = literal_skip_blanks(text, i);
	if (read_sign(text, at, &name->form))
		return true;
	if (name->is_quoted && *at < text.len && text.ptr[*at] == ',' && (name->is_flag || !is_value(text, name->outer))) {
		++*at;
		name->form = ASSIGN_ARGUMENT;
		return true;
	}
	/* A column of a table. */
	name->is_cell = *at > i && is_bar(text, *at, &end) && is_blank(text.ptr[end]);
	if (*at > i && text.ptr[i] == '\t' && name->end - name->start >= TAB_NAME_MIN)
		name->is_cell = true;
	else if (name->is_cell)
		*at = end;
	name->form = ASSIGN_BLANK;
	return *at > i && quote == 0;
}

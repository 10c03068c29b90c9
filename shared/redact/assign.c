#include "shared/redact/assign.h"

#include "shared/redact/chars.h"
#include "shared/redact/form.h"
#include "shared/redact/keyname.h"
#include "shared/redact/literal.h"
#include "shared/redact/member.h"
#include "shared/redact/url.h"
#include "shared/redact/verdict.h"
#include "shared/redact/words.h"

enum { MAX_PROPERTY = 64, MAX_ELEMENT = 512 };

static const bool name_bytes[256] = {
	['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true, ['_'] = true, ['-'] = true, ['.'] = true,
};

/* The first letter behind a backslash belongs to \n and its like, not to the name. */
static void name_bounds(struct span text, size_t at, struct assignment *name)
{
	size_t start = at, end = at;

	while (start > 0 && at - start < ASSIGN_MAX_NAME && name_bytes[text.ptr[start - 1]])
		start--;
	while (end < text.len && end - at < ASSIGN_MAX_NAME && name_bytes[text.ptr[end]])
		end++;
	if (start > 0 && start < at && text.ptr[start - 1] == '\\' && memchr("nrt", text.ptr[start], 3) != NULL)
		start++;
	name->outer = start;
	name->is_flag = start + 1 < end && text.ptr[start] == '-';
	while (start < at && !is_alnum(text.ptr[start]) && text.ptr[start] != '_')
		start++;
	while (end > at && !is_alnum(text.ptr[end - 1]) && text.ptr[end - 1] != '_')
		end--;
	name->start = start;
	name->end = end;
}

/* Where a line that is written inside a quoted text ends: at the quote or at \n. */
static size_t inner_line_end(struct span text, size_t from, size_t close)
{
	for (size_t i = from; i + 1 < close; i++) {
		if (text.ptr[i] == '\\' && memchr("nr", text.ptr[i + 1], 2) != NULL)
			return i;
	}
	return close;
}

/* The text of an element goes on to the tag that closes it, over blanks and lines. */
static void widen_element(struct span text, struct literal *value)
{
	size_t end = chars_find(span_sub(text, 0, value->start + MAX_ELEMENT), '<', value->end);

	if (value->quoted || !span_starts_with(span_sub(text, end, 2), SPAN_LIT("</")))
		return;
	if (end >= value->end + 3 && span_eq(span_sub(text, end - 3, 3), SPAN_LIT("]]>")))
		end -= 3;
	while (end > value->end && is_space(text.ptr[end - 1]))
		end--;
	if (end > value->end)
		value->end = value->next = end;
}

/* Bare words run on to the end of what surrounds the assignment: the quote it stands in, or its line. */
static void widen(struct span text, const struct assignment *name, struct literal *value)
{
	size_t quote = name->is_quoted ? 0 : literal_quote_len_before(text, name->start);
	bool closed;

	if (value->quoted || (name->form != ASSIGN_EQUALS && name->form != ASSIGN_COLON))
		return;
	if (quote > 0) {
		size_t end = literal_close(text, name->start, quote, &closed);

		if (closed && end > value->end)
			value->end = inner_line_end(text, value->end, end);
	} else if (name->form == ASSIGN_EQUALS && name->is_env && name->end + 1 == value->start) {
		value->end = literal_line_end(text, value->start);
		while (value->end > value->start && is_space(text.ptr[value->end - 1]))
			value->end--;
	}
	value->next = value->end;
}

/* What follows on the next lines: deeper ones, or a list, but no further names. */
static bool has_deeper_value(struct span text, size_t line_end)
{
	struct span next = span_sub(text, line_end + 1, literal_line_end(text, line_end + 1) - line_end - 1);
	size_t at = literal_skip_blanks(next, 0);

	return at < next.len && (at > 0 || span_starts_with(next, SPAN_LIT("- "))) && next.ptr[at] != '#' &&
	       span_find(next, SPAN_LIT(": "), 0) == next.len && next.ptr[next.len - 1] != ':';
}

/* "password:" over "  value: …": where that begins; 0 when the next line is another. */
static size_t value_below(struct span text, size_t line_end)
{
	size_t at = literal_skip_blanks(text, line_end + 1);

	return at > line_end + 1 && span_starts_with(span_sub(text, at, 7), SPAN_LIT("value: ")) ? at + 7 : 0;
}

/* YAML: "&anchor" and "!tag" stand before a value and are none. */
static size_t skip_properties(struct span text, size_t at)
{
	while (at + 1 < text.len && (text.ptr[at] == '&' || text.ptr[at] == '!')) {
		size_t end = at;

		while (end < text.len && end - at < MAX_PROPERTY && !is_space(text.ptr[end]))
			end++;
		if (end == text.len || !is_blank(text.ptr[end]))
			break;
		at = literal_skip_blanks(text, end);
	}
	return at;
}

/* What is written around a secret so that a program handles it as one: Some("…"), SecretStr('…'), aws.String("…"). */
static bool is_wrapper(struct span word)
{
	static const word_listed wrappers[] = {
		"base64encode", "bytes", "just", "nonsensitive", "of", "ok", "password", "protected", "quote", "secret",
		"secretbytes", "secretstr", "secretstring", "sensitive", "some", "str", "string", "text", "tostring", "trimspace",
		"unicode", "valueof",
	};
	size_t start = word.len;

	while (start > 0 && is_alnum(word.ptr[start - 1]))
		start--;
	return words_hold_span(WORD_LIST(wrappers), span_sub(word, start, word.len));
}

/* Reads the value, or the text in the brackets of such a wrapper. */
static struct literal read_wrapped(struct span text, size_t at)
{
	struct literal value = literal_read(text, at);
	size_t open = value.end;

	if (value.quoted || open == value.start || text.ptr[open - 1] != '(' || literal_quote_len(text, open) == 0 ||
	    !is_wrapper(span_sub(text, value.start, open - 1 - value.start)))
		return value;
	return literal_read(text, open);
}

/* "The admin password:" over one word; no sentence follows, nor the body of "def load(token):". */
static bool is_printed_below(struct span text, const struct assignment *name, size_t line_end)
{
	size_t word = literal_skip_blanks(text, line_end + 1), end = word;

	while (end < text.len && !is_space(text.ptr[end]))
		end++;
	return name->end + 1 == line_end && (end == text.len || text.ptr[end] == '\n' || text.ptr[end] == '\r');
}

/* What stands on the lines below the name: true when that is the value; `at` moves on when the value is further on. */
static bool read_below(struct span text, struct assignment *name, size_t *at)
{
	size_t member;

	if (name->form != ASSIGN_COLON || *at >= text.len || text.ptr[*at] != '\n')
		return false;
	member = value_below(text, *at);
	if (member > 0) {
		name->form = ASSIGN_MEMBER;
		*at = member;
		return false;
	}
	if (name->strength != KEY_STRONG || !has_deeper_value(text, *at))
		return false;
	if (!literal_starts_setting(text, name->start) && !is_printed_below(text, name, *at))
		return false;
	name->form = ASSIGN_BLOCK;
	name->value = literal_block(text, name->start, *at);
	return true;
}

static void read_value(struct span text, struct assignment *name, size_t at)
{
	at = literal_skip_blanks(text, at);
	if (name->strength == KEY_STRONG && at < text.len && (text.ptr[at] == '{' || text.ptr[at] == '<') &&
	    member_inside(text, at, &at)) {
		name->form = ASSIGN_MEMBER;
		at = literal_skip_blanks(text, at);
	}
	if (name->form == ASSIGN_COLON)
		at = skip_properties(text, at);
	if (read_below(text, name, &at))
		return;
	if (name->form <= ASSIGN_COLON && at + 1 < text.len && text.ptr[at] == '[' &&
	    literal_quote_len(text, literal_skip_blanks(text, at + 1)) > 0) {
		struct span line = span_sub(text, 0, literal_line_end(text, at));

		name->value = (struct literal){ .start = at + 1, .closed = true, .quoted = true };
		name->value.end = name->value.next = span_find(line, SPAN_LIT("]"), at);
		return;
	}
	if (name->form == ASSIGN_COLON && at < text.len && memchr("|>", text.ptr[at], 2) != NULL) {
		size_t line_end = literal_line_end(text, at);

		if (line_end - at <= 4) {
			name->form = ASSIGN_BLOCK;
			name->value = literal_block(text, name->start, line_end);
			return;
		}
	}
	if (name->is_quoted || name->form == ASSIGN_ELEMENT)
		at = literal_skip_space(text, at);
	if (name->form == ASSIGN_EQUALS)
		at = literal_skip_length(text, at);
	if (name->form == ASSIGN_ELEMENT && span_starts_with(span_sub(text, at, 9), SPAN_LIT("<![CDATA[")))
		at += 9;
	name->value = read_wrapped(text, at);
	if (name->strength == KEY_STRONG &&
	    (name->form == ASSIGN_ELEMENT || (name->form == ASSIGN_MEMBER && text.ptr[at - 1] == '>')))
		widen_element(text, &name->value);
	if (name->strength == KEY_STRONG && !name->value.closed)
		name->value = literal_lines(text, name->value);
	if (name->strength == KEY_STRONG && name->form == ASSIGN_EQUALS && !name->value.quoted)
		name->value = literal_heredoc(text, name->value);
	widen(text, name, &name->value);
}

static bool is_env_name(struct span name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (!is_upper(name.ptr[i]) && !is_digit(name.ptr[i]) && name.ptr[i] != '_')
			return false;
	}
	return name.len > 0 && !is_digit(name.ptr[0]);
}

/*
 * Whether the word at `at` is one that no sentence would hold: there is a digit, and inside of it none of the signs of
 * versions, files and addresses, which a spoken password is not told apart from (verdict.c).
 */
static bool may_be_spoken(struct span text, size_t at)
{
	bool digit = false;

	for (; at < text.len && !is_space(text.ptr[at]); at++) {
		uint8_t c = text.ptr[at];

		digit |= is_digit(c);
		if (!is_alnum(c) && at + 1 < text.len && !is_space(text.ptr[at + 1]) && memchr("-./:@[](){}", c, 11) != NULL)
			return false;
	}
	return digit;
}

/*
 * Most names in a log are words of a sentence. With nothing but a blank behind it, only an option, a name in capitals
 * (Dockerfile), netrc's "password" and what may be spoken can be given a value; this is asked before anything that costs
 * more.
 */
static bool is_prose(struct span text, const struct assignment *name, struct span spelled, size_t at)
{
	return !name->is_flag && !name->is_cell && !is_upper(spelled.ptr[0]) && !span_eq(spelled, SPAN_LIT("password")) &&
	       !may_be_spoken(text, literal_skip_blanks(text, at));
}

/* Of a bare value that runs on to the end of its line, only the first word is what the name speaks of. */
static size_t public_end(struct span text, const struct literal *value)
{
	size_t end = value->start;

	while (end < value->end && (value->quoted || !is_space(text.ptr[end])))
		end++;
	return end;
}

/* "public key: …" */
static bool follows_public(struct span text, size_t start)
{
	return start > 7 && text.ptr[start - 1] == ' ' && span_eq_nocase(span_sub(text, start - 7, 6), SPAN_LIT("public"));
}

/* A word follows behind a blank, and no bar of a table: neither a header nor a name whose value is elsewhere. */
static bool is_in_words(struct span text, const struct assignment *name, size_t at)
{
	return name->form == ASSIGN_BLANK && text.ptr[name->end] == ' ' && !name->is_cell && at < text.len &&
	       text.ptr[at] != '|' && text.ptr[at] != '\n';
}

/* ": " and "=" before `at`. */
static bool follows_sign(struct span text, size_t at)
{
	if (at > 1 && text.ptr[at - 1] == ' ')
		at--;
	return at > 0 && (text.ptr[at - 1] == ':' || text.ptr[at - 1] == '=');
}

/* Nearly every name is a word of a sentence, with a word before it. */
static bool may_be_elsewhere(struct span text, const struct assignment *name)
{
	size_t at = name->outer;

	if (at < 2 || name->is_flag)
		return name->is_flag;
	switch (text.ptr[at - 1]) {
	case '"':
	case '\'':
		return text.ptr[at - 2] == '\\' || follows_sign(text, at - 1);
	case '>':
		return name->end < text.len && text.ptr[name->end] == '<';
	case ' ':
	case ':':
		return follows_sign(text, at);
	case '/':
		return text.ptr[name->end] == '"' || text.ptr[name->end] == '\\';
	default:
		return false;
	}
}

/* What follows the name is nothing or something else, and its value stands elsewhere. */
static bool find_elsewhere(struct span text, struct assignment *name, size_t *ret_at)
{
	if (!may_be_elsewhere(text, name))
		return false;
	if (member_below(text, name, ret_at)) {
		name->form = ASSIGN_BLANK;
		return true;
	}
	if (!member_beside(text, name, ret_at))
		return false;
	name->form = ASSIGN_MEMBER;
	return true;
}

/*
 * Nothing but a blank or a comma ties a value to the name, or nothing at all: whether it is given one all the same. The
 * cells below a header are found on the way.
 */
static bool is_given_one(const struct assign_job *job, struct assignment *name, bool is_tied, size_t *at)
{
	struct span text = job->text;
	bool in_words = is_tied && is_in_words(text, name, *at);

	if (!in_words && table_may_end(text, name) && table_is_possible(text, name))
		table_find(text, name, job->tables, job->findings);
	if (is_tied && name->form == ASSIGN_BLANK)
		is_tied = !is_prose(text, name, span_sub(text, name->start, name->end - name->start), *at);
	if (in_words || (is_tied && name->form == ASSIGN_BLANK))
		return is_tied;
	return find_elsewhere(text, name, at) || is_tied;
}

void assign_find(const struct assign_job *job, size_t at, size_t *ret_end)
{
	struct span text = job->text, spelled;
	struct assignment name = { 0 };
	bool is_tied;

	name_bounds(text, at, &name);
	*ret_end = name.end > at ? name.end : at + 1;
	if (!form_is_possible(text, &name) || url_is_user(text, name.start, name.end))
		return;
	spelled = span_sub(text, name.start, name.end - name.start);
	at = name.end;
	is_tied = form_read(text, &name, &at);
	if ((!is_tied || name.form >= ASSIGN_ARGUMENT) && !is_given_one(job, &name, is_tied, &at))
		return;
	name.strength = keyname_recall(job->memo, spelled, &name.label);
	if (name.strength == KEY_NONE)
		return;
	if (name.strength == KEY_WEAK && follows_public(text, name.start))
		name.strength = KEY_PUBLIC;
	name.is_env = is_env_name(spelled) && name.start == literal_line_start(text, name.start);
	read_value(text, &name, at);
	if (name.strength == KEY_PUBLIC)
		ranges_add(job->public_parts, name.start, public_end(text, &name.value));
	else
		verdict_add(text, &name, job->findings, ret_end);
	/* The value may stand before the name. */
	if (*ret_end < name.end)
		*ret_end = name.end;
}

bool assign_is_whole(struct span text, const struct finding *finding)
{
	const uint8_t *sign = text.len == 0 ? NULL : memchr(text.ptr, '=', text.len);
	size_t name_len = sign == NULL ? 0 : (size_t)(sign - text.ptr);
	size_t end = text.len;

	if (end > 0 && text.ptr[end - 1] == '\n')
		end--;
	return finding->rank == FINDING_KEY && is_env_name(span_sub(text, 0, name_len)) &&
	       finding->start == name_len + 1 && finding->end == end;
}

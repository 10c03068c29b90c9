#include "shared/redact/verdict.h"

#include "shared/redact/chars.h"
#include "shared/redact/expression.h"
#include "shared/redact/header.h"
#include "shared/redact/mention.h"
#include "shared/redact/value.h"
#include "shared/redact/words.h"

enum {
	WEAK_MIN = 10,        /* shorter values of a weak name are left */
	NUMBER_MIN = 12,      /* shorter numbers are counts and times */
	NUMBER_PASSWORD_MIN = 4,
	DIGEST_KEY_MIN = 32,
	FINGERPRINT_LEN = 59, /* twenty bytes, a colon between every two */
	PAIR_MIN = 6,         /* shorter words are types and labels */
	SPOKEN_NAME_MIN = 5,  /* "pass" is said of tests and stages */
	MAX_WORD = 128,       /* of a netrc */
	MAX_GAP = 16,         /* blanks between two of them */
};

static bool is_password(const struct assignment *name)
{
	return strcmp(name->label, "PASSWORD") == 0;
}

static bool fits_number(struct span value, const struct assignment *name)
{
	return value.len >= (is_password(name) ? (size_t)NUMBER_PASSWORD_MIN : (size_t)NUMBER_MIN);
}

/* Hexadecimal is a digest behind "key", and more likely a key behind "acme_key". */
static bool is_digest(struct span text, const struct assignment *name, struct span value)
{
	bool is_key = strcmp(name->label, "KEY") == 0 || strcmp(name->label, "AUTH") == 0 ||
	              strcmp(name->label, "API_KEY") == 0 || strcmp(name->label, "TOKEN") == 0;

	return value_is_digest(value) &&
	       !(is_key && value.len >= DIGEST_KEY_MIN &&
	         keyname_is_compound(span_sub(text, name->start, name->end - name->start)));
}

/*
 * "using password k3…": signs that names of Kubernetes' objects, versions, files and addresses are made of do not count
 * as random there.
 */
static bool is_spoken(const struct assignment *name, struct span value)
{
	if (name->end - name->start < SPOKEN_NAME_MIN)
		return false;
	for (size_t i = 0; i < value.len; i++) {
		if (memchr("-./:@[](){}", value.ptr[i], 11) != NULL)
			return false;
	}
	return !value_is_digest(value) && value_is_random(value);
}

/* "51:C4:0C:…": the SHA-1 of a public key or a certificate. */
static bool is_fingerprint(struct span value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (i % 3 == 2 ? value.ptr[i] != ':' : hex_value(value.ptr[i]) < 0)
			return false;
	}
	return value.len == FINGERPRINT_LEN;
}

/* "Key=tag:Name,Values=web-1" (Amazon's command line): whoever gives a secret so is found by the name behind "Key". */
static bool is_filter(struct span value)
{
	return span_find(value, SPAN_LIT(",Value"), 0) < value.len || span_find(value, SPAN_LIT(",value"), 0) < value.len;
}

/* "KeyPair:{CertFile:a KeyFile:b}" as Go prints it: the names inside are judged by themselves. */
static bool is_struct(struct span value)
{
	return value.len > 2 && value.ptr[0] == '{' && is_alpha(value.ptr[1]) && memchr(value.ptr, ':', value.len) != NULL;
}

static bool fits_weak(struct span text, const struct assignment *name, struct span value)
{
	if (name->form == ASSIGN_BLANK && !name->is_flag &&
	    !(keyname_is_variable(span_sub(text, name->start, name->end - name->start)) && is_spoken(name, value)))
		return false;
	if ((name->form == ASSIGN_ARGUMENT && !name->value.quoted) || is_fingerprint(value) ||
	    is_filter(value) || is_struct(value))
		return false;
	/* A UUID is an id that a reader looks up, but for what a variable calls a key. */
	if (value_is_uuid(value))
		return strcmp(name->label, "KEY") == 0 &&
		       keyname_is_variable(span_sub(text, name->start, name->end - name->start));
	if (value.len < WEAK_MIN || is_digest(text, name, value))
		return false;
	for (size_t i = 0; i < value.len; i++) {
		if (is_space(value.ptr[i]) || value.ptr[i] == '(')
			return false;
	}
	return value.ptr[0] != '/' && span_find(value, SPAN_LIT("://"), 0) == value.len && value_is_random(value);
}

static bool last_on_line(struct span text, size_t at)
{
	while (at < text.len && memchr(" \t\r.,;)\"'", text.ptr[at], 10) != NULL)
		at++;
	return at == text.len || text.ptr[at] == '\n';
}

/* Go's map[host:db password:tiger user:app] and {Password:tiger Port:5432}: no blank follows the colon. */
static bool is_member(struct span text, const struct assignment *name)
{
	size_t at = name->value.end;

	if (name->value.start != name->end + 1 || at >= text.len)
		return false;
	if (text.ptr[at] == ']' || text.ptr[at] == '}')
		return true;
	if (text.ptr[at++] != ' ')
		return false;
	while (at < text.len && (is_alnum(text.ptr[at]) || text.ptr[at] == '_'))
		at++;
	return at < text.len && text.ptr[at] == ':';
}

/* A word in the middle of a sentence: only one that no sentence would hold. */
static bool fits_prose(struct span text, const struct assignment *name, struct span value)
{
	if (mention_word(value) || expression_is_code(value))
		return false;
	if (!value_is_word(value))
		return value.len >= 6 && (is_password(name) || !value_is_identifier(value));
	return is_password(name) && (last_on_line(text, name->value.end) || is_member(text, name));
}

/* "password: correct horse battery staple": a plain scalar of several words, when no sentence would read so. */
static void take_line(struct span text, struct literal *value)
{
	size_t end = literal_line_end(text, value->start);
	struct span rest;
	size_t word = value->start;

	while (end > value->start && is_space(text.ptr[end - 1]))
		end--;
	for (size_t at = value->start; at <= end; at++) {
		if (at < end && !is_blank(text.ptr[at]))
			continue;
		rest = span_sub(text, word, at - word);
		if (mention_word(rest) || (rest.len > 0 && rest.ptr[0] == '#'))
			return;
		word = at + 1;
	}
	value->end = end;
	/* literal_full_end() then goes on to where such a line really ends. */
	if (end - value->start >= LITERAL_MAX)
		value->closed = false;
}

/* The word that ends before `at`; *ret_start is where it begins. */
static struct span word_before(struct span text, size_t at, size_t *ret_start)
{
	size_t end = at, start;

	while (end > 0 && at - end < MAX_GAP && is_space(text.ptr[end - 1]))
		end--;
	for (start = end; start > 0 && end - start < MAX_WORD && !is_space(text.ptr[start - 1]); start--)
		continue;
	*ret_start = start;
	return span_sub(text, start, end - start);
}

/*
 * netrc: "machine HOST login USER password SECRET", in any order, on one line or several; on one of its own the password
 * may have a comment before it.
 */
static bool in_netrc(struct span text, const struct assignment *name)
{
	static const word_listed names[] = { "account", "login", "machine" };
	size_t from = name->start > 512 ? name->start - 512 : 0, start = name->start;
	struct span before = span_sub(text, from, name->start - from), word = word_before(text, name->start, &start);

	if (span_find(before, SPAN_LIT("login "), 0) == before.len ||
	    (span_find(before, SPAN_LIT("machine "), 0) == before.len &&
	     span_find(before, SPAN_LIT("default "), 0) == before.len))
		return false;
	if (literal_skip_blanks(text, literal_line_start(text, name->start)) == name->start)
		return last_on_line(text, name->value.end);
	return !mention_word(word) && words_hold_span(WORD_LIST(names), word_before(text, start, &start));
}

static bool fits_blank(struct span text, const struct assignment *name, struct span value)
{
	size_t line = literal_line_start(text, name->start);
	struct span start = span_sub(text, line, 7);

	if (value.len == 0 || value.ptr[0] == '-' || expression_is_written(text, name, value))
		return false;
	if (name->is_flag)
		return name->value.quoted || !mention_word(value);
	if (span_starts_with(start, SPAN_LIT("ENV ")) || span_starts_with(start, SPAN_LIT("setenv ")))
		return literal_starts_setting(text, name->start);
	/* A table of variables. */
	if (keyname_is_variable(span_sub(text, name->start, name->end - name->start)) && value_is_random(value))
		return true;
	if (name->is_cell)
		return is_password(name) ? !mention_word(value) && !value_is_identifier(value) : is_spoken(name, value);
	if (is_spoken(name, value))
		return true;
	return in_netrc(text, name);
}

/* A Kubernetes ExternalSecret calls the name under which it stores something secretKey. */
static bool in_external_secret(struct span text, const struct assignment *name)
{
	size_t from = name->start > 256 ? name->start - 256 : 0;
	struct span around = span_sub(text, from, 512);

	return strcmp(name->label, "SECRET_KEY") == 0 &&
	       span_find(around, SPAN_LIT("remoteRef:"), 0) < around.len;
}

/* "A_TOKEN= --token x": the value is empty, and what follows is an option with a value of its own. */
static bool is_option(struct span value)
{
	return value.len > 2 && value.ptr[0] == '-' && value.ptr[1] == '-' && is_alpha(value.ptr[2]);
}

/* Base64 with a sign at its end that is no assignment's. */
static bool is_padded(struct span value)
{
	struct char_counts counts = chars_count(value);

	return value.len >= 16 && value.len % 4 == 0 && memchr(value.ptr, ' ', value.len) == NULL && counts.upper > 1 &&
	       counts.lower > 1 && counts.digits > 0;
}

/* "token = ": quotes inside quotes were misread, and the value is still to come. */
static bool is_open_assignment(struct span value)
{
	while (value.len > 0 && is_blank(value.ptr[value.len - 1]))
		value.len--;
	if (value.len < 2 || memchr("=:", value.ptr[value.len - 1], 2) == NULL || is_padded(value))
		return false;
	for (value.len--; value.len > 0 && is_blank(value.ptr[value.len - 1]); value.len--)
		continue;
	return value.len > 0 && value_is_identifier(value) && memchr(value.ptr, ' ', value.len) == NULL;
}

/* A shell's name=value has no blanks around the sign. */
static bool is_spaced(const struct assignment *name)
{
	return name->value.start > name->end + 2;
}

/* ('password', 'tiger…'): two texts in brackets of their own, which are no call's. */
static bool is_pair(struct span text, const struct assignment *name, struct span value)
{
	size_t open = name->outer - literal_quote_len_before(text, name->outer);

	return is_password(name) && value.len >= PAIR_MIN && !mention_word(value) && open > 0 && text.ptr[open - 1] == '(' &&
	       (open == 1 || !is_alnum(text.ptr[open - 2])) && name->value.next < text.len &&
	       text.ptr[name->value.next] == ')';
}

static bool fits_strong(struct span text, const struct assignment *name, struct span value)
{
	if (value_is_number(value) && (name->form != ASSIGN_BLANK || name->is_flag))
		return fits_number(value, name);
	if (name->value.quoted ? is_open_assignment(value) : is_option(value))
		return false;
	switch (name->form) {
	case ASSIGN_ELEMENT:
	case ASSIGN_MEMBER:
	case ASSIGN_BLOCK:
		return true;
	case ASSIGN_ARGUMENT:
		return name->value.quoted && (name->is_flag || !value_is_word(value) || is_pair(text, name, value));
	case ASSIGN_BLANK:
		return fits_blank(text, name, value);
	case ASSIGN_EQUALS:
		return name->value.quoted || name->is_env ||
		       !(expression_is_written(text, name, value) || (is_spaced(name) && expression_is_assigned(value)));
	case ASSIGN_COLON:
		if (name->value.quoted)
			return name->is_quoted || !expression_is_code(value) ||
			       (value.ptr[0] != '$' && literal_starts_setting(text, name->start));
		if (name->is_quoted)
			return !expression_is_call(value);
		/* "X-Api-Key: …" in quotes is a header, as it is at the start of a line. */
		if (literal_starts_setting(text, name->start) || literal_quote_len_before(text, name->outer) > 0)
			return !mention_word(value) && (!expression_is_code(value) || expression_is_words(value)) &&
			       !in_external_secret(text, name);
		return fits_prose(text, name, value);
	}
	return true;
}

/* "name: several words" (YAML) and "name = several words" (INI); a shell's name=value has no blanks around the sign. */
static bool is_plain_line(struct span text, const struct assignment *name)
{
	return (name->form == ASSIGN_COLON || (name->form == ASSIGN_EQUALS && is_spaced(name))) && !name->value.quoted &&
	       !name->is_quoted && literal_starts_setting(text, name->start);
}

/* Asked last, as hardly anything gets so far: what would be masked is no value at all, or says where it is kept. */
static bool gives_nothing(struct span text, const struct assignment *name, struct span value)
{
	struct span whole = name->value.quoted ? value : expression_whole(text, name->value.start, name->value.end);

	if (whole.len > value.len && value_is_placeholder(whole))
		return true;
	return name->strength == KEY_STRONG && (mention_found(text, name, value) || expression_is_reference(value));
}

/* What a sentence calls a token is better named by the form that it has. */
static void add(struct findings *findings, const struct assignment *name, size_t start, size_t end)
{
	bool is_sentence = name->form == ASSIGN_BLANK && !name->is_flag;

	findings_add(findings, (struct finding){ .start = start,
	                                         .end = end,
	                                         .rank = is_sentence ? FINDING_SPOKEN : FINDING_KEY,
	                                         .label = name->label,
	                                         .rule = "key-name" });
}

/* "old" -> "new": what a plan puts in the place of the value. */
static void add_replacement(struct span text, const struct assignment *name, struct findings *findings)
{
	size_t arrow = literal_skip_blanks(text, name->value.next);
	struct literal other;

	if (!name->value.quoted || !span_starts_with(span_sub(text, arrow, 3), SPAN_LIT("-> ")))
		return;
	other = literal_read(text, literal_skip_blanks(text, arrow + 3));
	if (other.quoted && !value_is_placeholder(span_sub(text, other.start, other.end - other.start)))
		add(findings, name, other.start, other.end);
}

void verdict_add(struct span text, const struct assignment *name, struct findings *findings, size_t *ret_end)
{
	struct assignment read = *name;
	struct span value;
	size_t end;
	bool fits, is_header = header_is(name);

	if (name->form == ASSIGN_COLON && !name->value.quoted && strcmp(name->label, "COOKIE") == 0 &&
	    mention_of_cookies(text, name->value.start))
		return;
	value = span_sub(text, name->value.start, name->value.end - name->value.start);
	/* "cookie=None, path=…", "authorization": null, are an argument and a member, and no header that runs on. */
	if ((name->form == ASSIGN_EQUALS || (name->is_quoted && !name->value.quoted)) && value_is_empty_word(value))
		return;
	if (is_header)
		header_take(text, name, &read.value);
	value = span_sub(text, read.value.start, read.value.end - read.value.start);
	if (value_is_placeholder(value))
		return;
	fits = name->strength == KEY_STRONG ? fits_strong(text, &read, value) : fits_weak(text, &read, value);
	if (is_header && header_is_behind_scheme(name, read.value.start, value))
		fits = true;
	if (!fits || gives_nothing(text, &read, value))
		return;
	if (!is_header && is_plain_line(text, name))
		take_line(text, &read.value);
	end = literal_full_end(text, &read.value);
	/* Over several lines the quotes may have been misread: the names in between are looked at all the same. */
	if (!name->value.quoted || span_find(span_sub(text, 0, end), SPAN_LIT("\n"), read.value.start) == end)
		*ret_end = end;
	add(findings, name, read.value.start, end);
	add_replacement(text, name, findings);
}

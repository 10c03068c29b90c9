#include "shared/redact/literal.h"

#include "shared/redact/chars.h"

size_t literal_line_end(struct span text, size_t at)
{
	struct span window = span_sub(text, at, LITERAL_MAX);
	const uint8_t *newline = window.len == 0 ? NULL : memchr(window.ptr, '\n', window.len);

	if (at > text.len)
		return text.len;
	return newline == NULL ? at + window.len : (size_t)(newline - text.ptr);
}

size_t literal_line_start(struct span text, size_t at)
{
	size_t from = at > LITERAL_MAX_BACK ? at - LITERAL_MAX_BACK : 0;
	size_t newline = chars_find_last(text, '\n', from, at);

	return newline == at ? from : newline + 1;
}

/* The signs that decorate a line, or how long the word at `at` is that may stand before a name; 0 for neither. */
static size_t decoration_len(struct span text, size_t at)
{
	static const struct span words[] = {
		{ (const uint8_t *)"export", 6 }, { (const uint8_t *)"ENV", 3 },     { (const uint8_t *)"ARG", 3 },
		{ (const uint8_t *)"setenv", 6 }, { (const uint8_t *)"declare", 7 }, { (const uint8_t *)"local", 5 },
		{ (const uint8_t *)"set", 3 },    { (const uint8_t *)"-x", 2 },      { (const uint8_t *)"var", 3 },
		{ (const uint8_t *)"const", 5 },  { (const uint8_t *)"let", 3 },     { (const uint8_t *)"readonly", 8 },
	};

	if (memchr(" \t-+#\"'$>|*/", text.ptr[at], 12) != NULL)
		return 1;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (text.ptr[at] == *words[i].ptr && span_starts_with(span_sub(text, at, words[i].len), words[i]))
			return words[i].len;
	}
	return 0;
}

bool literal_starts_setting(struct span text, size_t at)
{
	struct span before = span_sub(text, 0, at);
	size_t len;

	for (size_t i = literal_line_start(text, at); i < at; i += len) {
		len = decoration_len(before, i);
		if (len == 0)
			return false;
	}
	return true;
}

size_t literal_skip_blanks(struct span text, size_t at)
{
	while (at < text.len) {
		if (is_blank(text.ptr[at]))
			at++;
		else if (text.ptr[at] == '\\' && at + 1 < text.len && text.ptr[at + 1] == '\n')
			at += 2;
		else
			break;
	}
	return at;
}

size_t literal_skip_space(struct span text, size_t at)
{
	while (at < text.len) {
		if (is_space(text.ptr[at]))
			at++;
		else if (text.ptr[at] == '\\' && at + 1 < text.len && memchr("nrt\n", text.ptr[at + 1], 4) != NULL)
			at += 2;
		else
			break;
	}
	return at;
}

size_t literal_skip_length(struct span text, size_t at)
{
	size_t end = at;

	if (!span_starts_with(span_sub(text, at, 7), SPAN_LIT("string(")))
		return at;
	for (end += 7; end < text.len && is_digit(text.ptr[end]); end++)
		continue;
	return end + 1 < text.len && text.ptr[end] == ')' ? literal_skip_blanks(text, end + 1) : at;
}

static bool is_quote(uint8_t c)
{
	return c == '"' || c == '\'' || c == '`';
}

size_t literal_quote_len(struct span text, size_t at)
{
	size_t i = at;

	while (i < text.len && text.ptr[i] == '\\')
		i++;
	return i < text.len && is_quote(text.ptr[i]) ? i + 1 - at : 0;
}

size_t literal_quote_len_before(struct span text, size_t at)
{
	size_t i = at;

	if (i == 0 || !is_quote(text.ptr[i - 1]))
		return 0;
	i--;
	while (i > 0 && text.ptr[i - 1] == '\\')
		i--;
	return at - i;
}

size_t literal_close(struct span text, size_t from, size_t quote_len, bool *ret_closed)
{
	struct span quote = span_sub(text, from - quote_len, quote_len);
	size_t line_end = literal_line_end(text, from);
	struct span line = span_sub(text, 0, line_end);
	size_t at = from;

	*ret_closed = true;
	for (;;) {
		at = span_find(line, quote, at);
		/* 'it''s': two single quotes are one inside (YAML), or two texts side by side (shell). */
		if (quote_len == 1 && quote.ptr[0] == '\'' && at > from && at + 1 < line.len && line.ptr[at + 1] == '\'') {
			at += 2;
			continue;
		}
		/* More backslashes than at the opening: an escaped quote inside. */
		if (at >= line.len || at == from || line.ptr[at - 1] != '\\')
			break;
		at++;
	}
	*ret_closed = at < line.len;
	while (!*ret_closed && at > from && is_space(line.ptr[at - 1]))
		at--;
	return at;
}

/* What ends a bare word for sure, and what may. */
enum bare_end { BARE_GOES_ON, BARE_ENDS, BARE_MAY_END };

static const uint8_t bare_ends[256] = {
	[' '] = BARE_ENDS, ['\t'] = BARE_ENDS, ['\n'] = BARE_ENDS, ['\r'] = BARE_ENDS, ['"'] = BARE_ENDS, ['\''] = BARE_ENDS,
	['`'] = BARE_ENDS, ['<'] = BARE_ENDS, ['>'] = BARE_ENDS,
	['\\'] = BARE_MAY_END, ['&'] = BARE_MAY_END, [','] = BARE_MAY_END, [';'] = BARE_MAY_END,
};

/* By how much a byte changes the number of open brackets. */
static const int8_t brackets[256] = { ['('] = 1, ['['] = 1, ['{'] = 1, [')'] = -1, [']'] = -1, ['}'] = -1 };

/* Whether the byte at `at`, which may end a bare word, does. */
static bool is_bare_end(struct span text, size_t at)
{
	size_t i;

	if (text.ptr[at] == '\\')
		return at + 1 < text.len && memchr("nrt\"'\n\\", text.ptr[at + 1], 7) != NULL;
	/* "a=1&b=2", "a=1,b=2", "a=1;b=2": a further assignment ends this one. */
	for (i = at + 1; i < text.len && (is_alnum(text.ptr[i]) || memchr("_-.", text.ptr[i], 3) != NULL); i++)
		continue;
	if (i == at + 1)
		return i == text.len || is_space(text.ptr[i]);
	return i < text.len && (text.ptr[i] == '=' || text.ptr[i] == ':');
}

/* True where a bare word ends. */
static inline bool ends_bare(struct span text, size_t at)
{
	uint8_t end = bare_ends[text.ptr[at]];

	return end != BARE_GOES_ON && (end == BARE_ENDS || is_bare_end(text, at));
}

static struct literal read_bare(struct span text, size_t at)
{
	struct literal literal = { .start = at, .closed = true };
	int open = 0;

	/* What SOPS has encrypted holds commas and names of its own. */
	if (span_starts_with(span_sub(text, at, 4), SPAN_LIT("ENC["))) {
		size_t close = span_find(span_sub(text, 0, at + LITERAL_MAX_BARE), SPAN_LIT("]"), at);

		if (close < text.len && text.ptr[close] == ']') {
			literal.end = literal.next = close + 1;
			return literal;
		}
	}
	for (; at < text.len && at - literal.start < LITERAL_MAX_WORD && !ends_bare(text, at); at++)
		open += brackets[text.ptr[at]];
	/* Brackets that close what was opened outside are not part of the value. */
	while (at > literal.start) {
		bool closes = brackets[text.ptr[at - 1]] < 0;

		if (text.ptr[at - 1] != ',' && text.ptr[at - 1] != ';' && !(closes && open < 0))
			break;
		open += closes;
		at--;
	}
	literal.end = at;
	literal.next = at;
	return literal;
}

size_t literal_full_end(struct span text, const struct literal *literal)
{
	size_t end = literal->end;

	if (literal->closed && !literal->quoted && end - literal->start >= LITERAL_MAX_WORD) {
		while (end < text.len && !ends_bare(text, end))
			end++;
	} else if (!literal->closed && end - literal->start >= LITERAL_MAX) {
		end = span_find(text, SPAN_LIT("\n"), end);
	}
	return end;
}

/* Three quotes in a row, to where they stand again (TOML, Python). */
static bool read_triple(struct span text, size_t at, struct literal *literal)
{
	struct span quotes = span_sub(text, at, 3), window = span_sub(text, 0, at + 3 + LITERAL_MAX_BARE);
	size_t end;

	if (quotes.len < 3 || quotes.ptr[0] != quotes.ptr[1] || quotes.ptr[0] != quotes.ptr[2])
		return false;
	end = span_find(window, quotes, at + 3);
	if (end >= window.len)
		return false;
	*literal = (struct literal){ .start = at + 3, .end = end, .next = end + 3, .quoted = true, .closed = true };
	while (literal->start < end && is_space(text.ptr[literal->start]))
		literal->start++;
	while (literal->end > literal->start && is_space(text.ptr[literal->end - 1]))
		literal->end--;
	return true;
}

/* A piece that a shell or a compiler joins to what stands before it: no blank and no sign of another value in it. */
static size_t piece_end(struct span text, size_t at)
{
	while (at < text.len && !is_space(text.ptr[at]) && memchr("\"'`,:;=()[]{}<>|&\\", text.ptr[at], 18) == NULL)
		at++;
	return at;
}

/* "ab"'cd', ab"cd", 'ab'cd: one word of a shell, in several pieces. */
static void join_pieces(struct span text, struct literal *literal)
{
	for (size_t at = literal->next; literal->closed && at > literal->start && at < text.len;) {
		bool quoted = is_quote(text.ptr[at]);
		size_t end = piece_end(text, at + quoted);

		if (!quoted && (!is_alnum(text.ptr[at]) || !is_alnum(text.ptr[literal->end - 1])))
			return;
		if (end == at + quoted || memchr("([{", text.ptr[at - 1], 3) != NULL)
			return;
		if (quoted && (end >= text.len || text.ptr[end] != text.ptr[at]))
			return;
		/* All quotes become part of it, so that none is left open. */
		if (literal->end < literal->next)
			literal->start--;
		at = literal->end = literal->next = end + quoted;
	}
}

struct literal literal_read(struct span text, size_t at)
{
	size_t quote_len = literal_quote_len(text, at);
	struct literal literal = { .start = at + quote_len, .quoted = true };

	/* A letter before the quote gives its kind in many languages: b"…", f"…", r"…", @"…", $'…', N'…', u"…". */
	if (quote_len == 0 && at < text.len && memchr("bfruBFRUNL@$", text.ptr[at], 12) != NULL) {
		quote_len = literal_quote_len(text, at + 1);
		literal.start = at + 1 + quote_len;
	}
	if (quote_len == 0) {
		literal = read_bare(text, at);
		join_pieces(text, &literal);
		return literal;
	}
	if (quote_len == 1 && read_triple(text, at, &literal))
		return literal;
	literal.end = literal_close(text, literal.start, quote_len, &literal.closed);
	literal.next = literal.closed ? literal.end + quote_len : literal.end;
	if (quote_len == 1)
		join_pieces(text, &literal);
	return literal;
}

/* Then a quote was left open by mistake, and the next one belongs to something else. */
static bool has_assignment(struct span lines)
{
	return span_find(lines, SPAN_LIT(":"), 0) < lines.len || span_find(lines, SPAN_LIT("= "), 0) < lines.len ||
	       span_find(lines, SPAN_LIT("="), 0) + 1 == lines.len;
}

struct literal literal_lines(struct span text, struct literal value)
{
	struct span quote = span_sub(text, value.start - 1, 1);
	struct span window = span_sub(text, 0, value.start + LITERAL_MAX_BARE);
	size_t end = span_find(window, quote, value.start);

	if (!value.quoted || value.closed || end >= window.len || has_assignment(span_sub(text, value.end, end - value.end)))
		return value;
	value.end = end;
	value.next = end + 1;
	value.closed = true;
	return value;
}

struct literal literal_heredoc(struct span text, struct literal value)
{
	size_t line_end = literal_line_end(text, value.start);
	struct span line = span_sub(text, 0, line_end);
	size_t at = chars_find(line, '<', value.start), word, end;
	struct span window = span_sub(text, 0, line_end + LITERAL_MAX);

	/* Most lines have no such sign at all. */
	at = at < line_end ? span_find(line, SPAN_LIT("<<"), at) : line_end;
	if (at >= line_end)
		return value;
	for (word = at + 2; word < line_end && memchr("-'\"\\ ", text.ptr[word], 5) != NULL; word++)
		continue;
	for (end = word; end < line_end && (is_alnum(text.ptr[end]) || text.ptr[end] == '_'); end++)
		continue;
	if (end == word)
		return value;
	at = span_find(window, span_sub(text, word, end - word), line_end);
	if (at >= window.len)
		return value;
	value.start = line_end + 1;
	value.end = at > value.start ? literal_line_start(text, at) - 1 : value.start;
	value.next = at;
	return value;
}

static size_t indent_of(struct span text, size_t line_start)
{
	size_t at = line_start;

	while (at < text.len && is_blank(text.ptr[at]))
		at++;
	return at - line_start;
}

/* YAML lets a list stand no deeper than its name. */
static bool is_item(struct span text, size_t at)
{
	return span_starts_with(span_sub(text, at, 2), SPAN_LIT("- "));
}

struct literal literal_block(struct span text, size_t key_at, size_t line_end)
{
	size_t key_indent = indent_of(text, literal_line_start(text, key_at));
	struct literal block = { .start = line_end, .end = line_end, .next = line_end, .closed = true };
	bool is_list = is_item(text, line_end + 1 + key_indent) && indent_of(text, line_end + 1) == key_indent;
	size_t at = line_end;

	while (at < text.len) {
		size_t line = at + 1;
		size_t end = literal_line_end(text, line);
		size_t indent = indent_of(text, line);

		if (line + indent < end && indent <= key_indent &&
		    !(is_list && indent == key_indent && is_item(text, line + indent)))
			break;
		if (line + indent < end) {
			if (block.end == line_end)
				block.start = line + indent;
			block.end = end;
		}
		at = end;
	}
	block.next = block.end;
	return block;
}

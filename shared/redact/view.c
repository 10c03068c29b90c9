#include "shared/redact/view.h"

#include <stdlib.h>

#include "shared/redact/chars.h"

enum { FIRST_CAP = 32, MAX_SEQUENCE = 64, ESC = 0x1B, SPREAD_MIN = 12 };

/* From `at` on, each byte of the view stands for `unit` bytes of the source from `source` on. */
struct view_piece {
	size_t at;
	size_t source;
	size_t unit;
};

void view_init(struct view *view, size_t max_bytes)
{
	*view = (struct view){ .text = BUF_INIT(max_bytes) };
}

void view_done(struct view *view)
{
	buf_wipe(&view->text);
	free(view->pieces);
	*view = (struct view){ 0 };
}

static void add(struct view *view, struct span bytes, size_t source, size_t unit)
{
	if (view->failed != STATUS_OK || bytes.len == 0)
		return;
	if (view->count == view->cap) {
		size_t cap = view->cap == 0 ? FIRST_CAP : view->cap * 2;
		struct view_piece *pieces = reallocarray(view->pieces, cap, sizeof *pieces);

		if (pieces == NULL) {
			view->failed = STATUS_NO_MEMORY;
			return;
		}
		view->pieces = pieces;
		view->cap = cap;
	}
	view->pieces[view->count++] = (struct view_piece){ view->text.len, source, unit };
	buf_append_span(&view->text, bytes);
	view->failed = buf_status(&view->text);
}

/* Bytes of the escape character at the start of `text`, however it is written; 0: none. */
static size_t escape_len(struct span text)
{
	static const struct span spellings[] = {
		{ (const uint8_t *)"\\u001b", 6 }, { (const uint8_t *)"\\u001B", 6 }, { (const uint8_t *)"\\x1b", 4 },
		{ (const uint8_t *)"\\x1B", 4 },   { (const uint8_t *)"\\033", 4 },   { (const uint8_t *)"\\e", 2 },
	};

	if (text.ptr[0] == ESC)
		return 1;
	for (size_t i = 0; text.ptr[0] == '\\' && i < sizeof spellings / sizeof *spellings; i++) {
		if (span_starts_with(text, spellings[i]) && text.len > spellings[i].len &&
		    text.ptr[spellings[i].len] == '[')
			return spellings[i].len;
	}
	return 0;
}

/* Bytes of the sequence at the start of `text`; 0: none. */
static size_t sequence_len(struct span text)
{
	size_t at = escape_len(text);

	if (at == 0)
		return 0;
	if (at == text.len)
		return at;
	if (text.ptr[at] == '[') {
		/* CSI: parameters, then one final byte. Colours have no intermediate bytes in between. */
		for (at++; at < text.len && at < MAX_SEQUENCE && text.ptr[at] >= 0x30 && text.ptr[at] < 0x40; at++)
			continue;
		return at < text.len && text.ptr[at] >= 0x40 && text.ptr[at] < 0x7F ? at + 1 : at;
	}
	if (text.ptr[at] == '(' || text.ptr[at] == ')')
		return at + 2 <= text.len ? at + 2 : at + 1;
	return text.ptr[at] >= 0x40 && text.ptr[at] < 0x60 ? at + 1 : at;
}

/* U+FFFD, which stands for what is no text: the NULs of UTF-16, for one. */
static bool is_replaced(struct span text, size_t at)
{
	return span_starts_with(span_sub(text, at, 3), SPAN_LIT("\xEF\xBF\xBD"));
}

bool view_is_spread(struct span text)
{
	size_t run = 0, last = 0;

	for (size_t at = chars_find(text, 0xEF, 0); at < text.len; at = chars_find(text, 0xEF, at + 1)) {
		run = is_replaced(text, at) && at == last + 4 ? run + 1 : 0;
		last = at;
		if (run >= SPREAD_MIN)
			return true;
	}
	return false;
}

void view_strip_colours(struct view *view, struct span source)
{
	size_t from = 0;

	for (size_t at = 0; at < source.len; at++) {
		size_t len = 0;

		if (source.ptr[at] == ESC || source.ptr[at] == '\\')
			len = sequence_len(span_sub(source, at, source.len));
		else if (source.ptr[at] == 0xEF && is_replaced(source, at))
			len = 3;
		if (len == 0)
			continue;
		add(view, span_sub(source, from, at - from), from, 1);
		from = at + len;
		at = from - 1;
	}
	add(view, span_sub(source, from, source.len), from, 1);
}

/* "&#112;", "&#x70;". */
static size_t resolve_number(struct span text, uint8_t *ret_byte)
{
	bool is_hex = text.len > 2 && to_lower(text.ptr[2]) == 'x';
	size_t at = is_hex ? 3 : 2;
	unsigned number = 0;

	for (; at < text.len && number < 0x80; at++) {
		int digit = is_hex || is_digit(text.ptr[at]) ? hex_value(text.ptr[at]) : -1;

		if (digit < 0)
			break;
		number = number * (is_hex ? 16 : 10) + (unsigned)digit;
	}
	*ret_byte = (uint8_t)number;
	return at < text.len && text.ptr[at] == ';' && number > 0 && number < 0x80 ? at + 1 : 0;
}

static size_t resolve_entity(struct span text, uint8_t *ret_byte)
{
	static const struct {
		struct span name;
		uint8_t byte;
	} entities[] = {
		{ { (const uint8_t *)"&quot;", 6 }, '"' }, { { (const uint8_t *)"&apos;", 6 }, '\'' },
		{ { (const uint8_t *)"&amp;", 5 }, '&' },       { { (const uint8_t *)"&lt;", 4 }, '<' },
		{ { (const uint8_t *)"&gt;", 4 }, '>' },
	};

	if (text.len > 1 && text.ptr[1] == '#')
		return resolve_number(text, ret_byte);
	for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
		if (span_starts_with(text, entities[i].name)) {
			*ret_byte = entities[i].byte;
			return entities[i].name.len;
		}
	}
	return 0;
}

/* Resolves the escape at the start of `text`; gives how many bytes it takes, 0 when it is none. */
static size_t resolve(struct span text, uint8_t *ret_byte)
{
	size_t len = text.ptr[0] == '%' ? 3 : span_starts_with(text, SPAN_LIT("\\x")) ? 4 : 6;
	int high, low;

	if (text.ptr[0] == '&')
		return resolve_entity(text, ret_byte);
	if (text.len < len || (len == 6 && !span_starts_with(text, SPAN_LIT("\\u00"))))
		return 0;
	high = hex_value(text.ptr[len - 2]);
	low = hex_value(text.ptr[len - 1]);
	if (high < 0 || low < 0 || (len != 3 && high > 7))
		return 0;
	*ret_byte = (uint8_t)(high * 16 + low);
	return len;
}

static size_t resolve_if_escape(struct span text, uint8_t *ret_byte)
{
	return memchr("%\\&", text.ptr[0], 3) != NULL ? resolve(text, ret_byte) : 0;
}

static size_t resolve_line_end(struct span text, uint8_t *ret_byte)
{
	static const char letters[] = "ntr\"'\\/", bytes[] = "\n\t\r\"'\\/";
	const char *letter;

	/* As rsyslog writes them. */
	if (text.ptr[0] == '#' && (span_starts_with(text, SPAN_LIT("#012")) || span_starts_with(text, SPAN_LIT("#011")))) {
		*ret_byte = text.ptr[3] == '2' ? '\n' : '\t';
		return 4;
	}
	letter = text.ptr[0] == '\\' && text.len > 1 ? memchr(letters, text.ptr[1], sizeof letters - 1) : NULL;

	if (letter == NULL)
		return 0;
	*ret_byte = (uint8_t)bytes[letter - letters];
	return 2;
}

/* `take` gives how many bytes at the start of its text are read as another one; 0 in *ret_byte takes them out. */
static void replace(struct view *view, struct span source, size_t (*take)(struct span text, uint8_t *ret_byte))
{
	size_t from = 0;

	for (size_t at = 0; at < source.len; at++) {
		uint8_t byte;
		size_t len = take(span_sub(source, at, source.len), &byte);

		if (len == 0)
			continue;
		add(view, span_sub(source, from, at - from), from, 1);
		add(view, span_of(&byte, byte != 0), at, len);
		from = at + len;
		at = from - 1;
	}
	add(view, span_sub(source, from, source.len), from, 1);
}

void view_resolve_escapes(struct view *view, struct span source)
{
	replace(view, source, resolve_if_escape);
}

void view_resolve_lines(struct view *view, struct span source)
{
	replace(view, source, resolve_line_end);
}

/* Bytes of the sign at the start of `text`, and what it is read as: 0 for nothing. 0 bytes when it is read as it is. */
static size_t fold_sign(struct span text, uint8_t *ret_byte)
{
	unsigned two, three;

	if (text.ptr[0] < 0x80 || text.len < 2)
		return 0;
	two = (unsigned)text.ptr[0] << 8 | text.ptr[1];
	*ret_byte = two == 0xC2A0 ? ' ' : 0;
	if (two == 0xC2A0 || two == 0xC2AD) /* the soft hyphen */
		return 2;
	if (text.len < 3)
		return 0;
	three = two << 8 | text.ptr[2];
	if (three >= 0xEFBC81 && three <= 0xEFBDBF && (three & 0xFF) >= 0x80) {
		unsigned sign = 0x20 + ((three >> 8 & 0xFF) - 0xBC) * 64 + (three & 0x3F);

		*ret_byte = (uint8_t)sign;
		return sign < 0x7F ? 3 : 0;
	}
	*ret_byte = three == 0xE38080 || three == 0xE280AF || (three >= 0xE28080 && three <= 0xE2808A) ? ' ' : 0;
	return *ret_byte != 0 || (three >= 0xE2808B && three <= 0xE2808F) || (three >= 0xE280AA && three <= 0xE280AE) ||
			       three == 0xE281A0 || three == 0xEFBBBF ? 3 : 0;
}

void view_fold_signs(struct view *view, struct span source)
{
	replace(view, source, fold_sign);
}

static const struct view_piece *piece_at(const struct view *view, size_t at)
{
	size_t low = 0, high = view->count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (view->pieces[middle].at <= at)
			low = middle;
		else
			high = middle;
	}
	return &view->pieces[low];
}

size_t view_source_start(const struct view *view, size_t at)
{
	const struct view_piece *piece = piece_at(view, at);

	return piece->source + (at - piece->at) * piece->unit;
}

size_t view_source_end(const struct view *view, size_t end)
{
	return view_source_start(view, end - 1) + piece_at(view, end - 1)->unit;
}

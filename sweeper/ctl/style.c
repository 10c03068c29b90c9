#include "sweeper/ctl/style.h"

#include <stdlib.h>
#include <unistd.h>

static const char *const color_codes[] = {
	[STYLE_PLAIN] = "",
	[STYLE_BOLD] = "\x1b[1m",
	[STYLE_DIM] = "\x1b[2m",
	[STYLE_RED] = "\x1b[31m",
	[STYLE_GREEN] = "\x1b[32m",
	[STYLE_YELLOW] = "\x1b[33m",
	[STYLE_MARK] = "\x1b[7;33m",
};

static bool wants_color(void)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return (no_color == NULL || no_color[0] == '\0') && (term == NULL || strcmp(term, "dumb") != 0);
}

struct style style_detect(int fd)
{
	bool terminal = isatty(fd) == 1;

	return (struct style){ .terminal = terminal, .color = terminal && wants_color() };
}

void style_begin(const struct style *style, enum style_color color, struct buf *out)
{
	if (style->color)
		buf_append_cstr(out, color_codes[color]);
}

void style_end(const struct style *style, enum style_color color, struct buf *out)
{
	if (style->color && color != STYLE_PLAIN)
		buf_append_cstr(out, "\x1b[0m");
}

/*
 * Takes one code point off the front. Content was checked to be UTF-8 on its way here; a byte that is none after all
 * comes back as itself with *ret_valid false.
 */
static uint32_t take_code_point(struct span *rest, bool *ret_valid)
{
	uint8_t first = rest->ptr[0];
	size_t len = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : 4;
	uint32_t code = len == 1 ? first : len == 2 ? first & 0x1fU : len == 3 ? first & 0x0fU : first & 0x07U;

	*ret_valid = first < 0x80 || (first >= 0xc2 && first < 0xf5 && rest->len >= len);
	for (size_t i = 1; *ret_valid && i < len; i++) {
		*ret_valid = (rest->ptr[i] & 0xc0U) == 0x80U;
		code = code << 6 | (rest->ptr[i] & 0x3fU);
	}
	if (!*ret_valid) {
		len = 1;
		code = first;
	}
	*rest = span_sub(*rest, len, rest->len);
	return code;
}

/* C0, DEL, C1, line and paragraph separators, and what changes the direction of text. */
static bool is_harmful(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x061c || code == 0x200e || code == 0x200f ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

static void put_written(uint32_t code, struct buf *out)
{
	if (code < 0x100)
		buf_printf(out, "\\x%02x", code);
	else
		buf_printf(out, "\\u%04x", code);
}

/* Appends `text` with the harmful written out; newline and tab pass when `lines`. */
static void put_harmless(struct span text, bool lines, struct buf *out)
{
	while (text.len > 0) {
		struct span before = text;
		bool valid;
		uint32_t code = take_code_point(&text, &valid);

		if (!valid || (is_harmful(code) && !(lines && (code == '\n' || code == '\t'))))
			put_written(code, out);
		else
			buf_append(out, before.ptr, before.len - text.len);
	}
}

void style_put_field(struct span text, struct buf *out)
{
	put_harmless(text, false, out);
}

void style_put_colored(const struct style *style, enum style_color color, struct span text, struct buf *out)
{
	style_begin(style, color, out);
	style_put_field(text, out);
	style_end(style, color, out);
}

size_t style_field_width(struct span text)
{
	size_t width = 0;

	while (text.len > 0) {
		bool valid;
		uint32_t code = take_code_point(&text, &valid);

		width += valid && !is_harmful(code) ? 1 : code < 0x100 ? 4 : 6;
	}
	return width;
}

/* The end of the mask that begins at `at`, or `at` when what stands there is none. */
static size_t mask_end(struct span text, size_t at)
{
	static const struct span opening = { (const uint8_t *)"[REDACTED", 9 };
	size_t end = at + opening.len;

	if (!span_starts_with(span_sub(text, at, text.len), opening))
		return at;
	if (end < text.len && text.ptr[end] == ']')
		return end + 1;
	if (end == text.len || text.ptr[end] != ':')
		return at;
	for (end++; end < text.len; end++) {
		uint8_t byte = text.ptr[end];

		if (byte == ']')
			return end + 1;
		if (!((byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '_' || byte == '-'))
			return at;
	}
	return at;
}

static void put_marked(const struct style *style, struct span content, struct buf *out)
{
	size_t from = 0;

	while (from < content.len) {
		size_t at = span_find(content, SPAN_LIT("[REDACTED"), from);
		size_t end = at < content.len ? mask_end(content, at) : at;
		bool masked = end > at;

		if (!masked && at < content.len)
			end = at + 1;
		put_harmless(span_sub(content, from, (masked ? at : end) - from), true, out);
		if (masked)
			style_put_colored(style, STYLE_MARK, span_sub(content, at, end - at), out);
		from = end;
	}
}

void style_put_content(const struct style *style, struct span content, struct buf *out)
{
	if (style->terminal)
		put_marked(style, content, out);
	else
		buf_append_span(out, content);
	if (content.len > 0 && content.ptr[content.len - 1] != '\n')
		buf_append_byte(out, '\n');
}

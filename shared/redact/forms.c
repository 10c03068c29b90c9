#include "shared/redact/forms.h"

#include <stdio.h>

#include "shared/buf.h"
#include "shared/redact/chars.h"

enum { GROWTH = 8, MIN_FORM = 6 };

static const char std_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/*
 * The value behind `skip` unknown bytes: only digits all of whose six bits come from the value are written.
 */
static void to_base64(struct span value, size_t skip, const char *digits, struct buf *out)
{
	size_t first_bit = (skip * 8 + 5) / 6 * 6, end_bit = (skip + value.len) * 8;

	for (size_t bit = first_bit; bit + 6 <= end_bit; bit += 6) {
		size_t byte = bit / 8 - skip;
		unsigned pair = (unsigned)value.ptr[byte] << 8;

		if (byte + 1 < value.len)
			pair |= value.ptr[byte + 1];
		buf_append_byte(out, (uint8_t)digits[(pair >> (10 - bit % 8)) & 0x3F]);
	}
}

/* RFC 4648 without padding; the last digit only when all of its five bits come from the value. */
static void to_base32(struct span value, const char *digits, struct buf *out)
{
	for (size_t bit = 0; bit + 5 <= value.len * 8; bit += 5) {
		unsigned pair = (unsigned)value.ptr[bit / 8] << 8;

		if (bit / 8 + 1 < value.len)
			pair |= value.ptr[bit / 8 + 1];
		buf_append_byte(out, (uint8_t)digits[(pair >> (11 - bit % 8)) & 0x1F]);
	}
}

/* As in a page of HTML or in XML. */
static void to_html(struct span value, bool named, struct buf *out)
{
	for (size_t i = 0; i < value.len; i++) {
		uint8_t c = value.ptr[i];

		if (c == '&' || c == '<' || c == '>')
			buf_append_cstr(out, c == '&' ? "&amp;" : c == '<' ? "&lt;" : "&gt;");
		else if (c == '"')
			buf_append_cstr(out, named ? "&quot;" : "&#34;");
		else if (c == '\'')
			buf_append_cstr(out, named ? "&#x27;" : "&#39;");
		else
			buf_append_byte(out, c);
	}
}

/* As numbers, with a sign between them: what Go, Python and Java print of a list of bytes, and openssl of a key. */
static void to_numbers(struct span value, const char *format, const char *between, struct buf *out)
{
	for (size_t i = 0; i < value.len; i++) {
		if (i > 0)
			buf_append_cstr(out, between);
		buf_printf(out, format, value.ptr[i]);
	}
}

static void to_hex(struct span value, const char *digits, struct buf *out)
{
	for (size_t i = 0; i < value.len; i++) {
		buf_append_byte(out, (uint8_t)digits[value.ptr[i] >> 4]);
		buf_append_byte(out, (uint8_t)digits[value.ptr[i] & 15]);
	}
}

/* RFC 3986: everything but the unreserved characters and those that a language spares. */
static void to_percent(struct span value, const char *format, const char *spared, struct buf *out)
{
	for (size_t i = 0; i < value.len; i++) {
		uint8_t c = value.ptr[i];

		if (is_alnum(c) || memchr("-._~", c, 4) != NULL || (c != 0 && strchr(spared, c) != NULL))
			buf_append_byte(out, c);
		else
			buf_printf(out, format, c);
	}
}

/* RFC 8259; Go and others also write < > & as \u00XX. */
static void to_json(struct span value, bool html_safe, struct buf *out)
{
	for (size_t i = 0; i < value.len; i++) {
		uint8_t c = value.ptr[i];

		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c == '\n')
			buf_append_cstr(out, "\\n");
		else if (c == '\t')
			buf_append_cstr(out, "\\t");
		else if (c == '\r')
			buf_append_cstr(out, "\\r");
		else if (c < 0x20 || (html_safe && memchr("<>&", c, 3) != NULL))
			buf_printf(out, "\\u%04x", c);
		else
			buf_append_byte(out, c);
	}
}

/* What a shell writes for each single quote inside single quotes, and what set -x and printf %q write. */
static void to_shell(struct span value, bool each, struct buf *out)
{
	for (size_t i = 0; i < value.len; i++) {
		uint8_t c = value.ptr[i];

		if (!each && c == '\'')
			buf_append_cstr(out, "'\\''");
		else if (each && !is_alnum(c) && c < 0x80 && memchr("#%+-./:=@_~", c, 11) == NULL)
			buf_printf(out, "\\%c", c);
		else
			buf_append_byte(out, c);
	}
}

/* JSON as a text inside JSON, `depth` times, as log drivers write what a program logged. */
static void to_json_in_json(struct span value, unsigned depth, struct buf *out)
{
	struct buf once = BUF_INIT(GROWTH * value.len + 1);

	to_json(value, false, &once);
	if (buf_status(&once) != STATUS_OK)
		out->failed = buf_status(&once);
	else if (depth == 0)
		buf_append_span(out, buf_span(&once));
	else
		to_json_in_json(buf_span(&once), depth - 1, out);
	buf_wipe(&once);
}

static void to_reverse(struct span value, struct buf *out)
{
	for (size_t i = value.len; i > 0; i--)
		buf_append_byte(out, value.ptr[i - 1]);
}

static void to_case(struct span value, bool upper, struct buf *out)
{
	for (size_t i = 0; i < value.len; i++) {
		uint8_t c = value.ptr[i];

		buf_append_byte(out, upper && is_lower(c) ? (uint8_t)(c - ('a' - 'A')) : upper ? c : to_lower(c));
	}
}

static void spell(unsigned form, struct span value, struct buf *out)
{
	switch (form) {
	case 0: case 1: case 2:
		to_base64(value, form, std_digits, out);
		break;
	case 3: case 4: case 5:
		to_base64(value, form - 3, url_digits, out);
		break;
	case 6:
		to_hex(value, "0123456789abcdef", out);
		break;
	case 7:
		to_hex(value, "0123456789ABCDEF", out);
		break;
	case 8:
		to_percent(value, "%%%02X", "", out);
		break;
	case 9:
		to_percent(value, "%%%02x", "", out);
		break;
	case 10: case 11:
		to_json(value, form == 11, out);
		break;
	case 12: case 13:
		to_shell(value, form == 13, out);
		break;
	case 14:
		to_percent(value, "%%25%02X", "", out);
		break;
	case 15:
		to_base32(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", out);
		break;
	case 16: case 17:
		to_html(value, form == 16, out);
		break;
	case 18: case 19:
		to_json_in_json(value, form - 17, out);
		break;
	case 20:
		to_base32(value, "abcdefghijklmnopqrstuvwxyz234567", out);
		break;
	case 21:
		to_reverse(value, out);
		break;
	case 22: case 23:
		to_case(value, form == 22, out);
		break;
	case 24: case 25:
		to_numbers(value, "%u", form == 24 ? " " : ", ", out);
		break;
	case 26: case 27:
		to_numbers(value, "%02x", form == 26 ? " " : ":", out);
		break;
	case 28: /* JavaScript */
		to_percent(value, "%%%02X", "!*'()", out);
		break;
	case 29: /* Python */
		to_percent(value, "%%%02X", "/", out);
		break;
	default: /* what a form in a browser sends */
		to_percent(value, "%%%02X", " ", out);
		for (size_t i = 0; i < out->len; i++)
			out->ptr[i] = out->ptr[i] == ' ' ? '+' : out->ptr[i];
	}
}

enum { FORMS = 31 };

enum status forms_each(struct span value, enum status (*each)(void *ctx, struct span form), void *ctx)
{
	struct buf form = BUF_INIT(GROWTH * value.len + 1);
	enum status status = each(ctx, value);

	for (unsigned i = 0; i < FORMS && status == STATUS_OK; i++) {
		buf_reset(&form);
		spell(i, value, &form);
		status = buf_status(&form);
		if (status == STATUS_OK && form.len >= MIN_FORM && !span_eq(buf_span(&form), value))
			status = each(ctx, buf_span(&form));
	}
	buf_wipe(&form);
	return status;
}

#include "shared/redact/utf8.h"

#include <string.h>

static const uint8_t replacement[] = { 0xEF, 0xBF, 0xBD };
enum { PIECE = 256 };

/* Bytes of the valid sequence that starts `text`, 0 when there is none. `text` is not empty. */
static size_t sequence_len(struct span text)
{
	const uint8_t *p = text.ptr;
	size_t len = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;

	if (p[0] < 0x80)
		return p[0] != 0;
	if (p[0] < 0xC2 || p[0] > 0xF4 || text.len < len)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	}
	if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) || /* overlong, surrogate */
	    (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))   /* overlong, too large */
		return 0;
	return len;
}

/* Sixteen bytes; not zero in either half when one of them is NUL or has its high bit set. */
typedef uint64_t halves __attribute__((vector_size(16)));

static halves others_in(const uint8_t *bytes)
{
	typedef int8_t block __attribute__((vector_size(16)));
	block b;

	memcpy(&b, bytes, sizeof b);
	return (halves)(b <= 0);
}

/* Nearly all text is ASCII: many bytes at once. */
static size_t skip_ascii(struct span text, size_t at)
{
	for (; at + 64 <= text.len; at += 64) {
		const uint8_t *p = text.ptr + at;
		halves others = others_in(p) | others_in(p + 16) | others_in(p + 32) | others_in(p + 48);

		if ((others[0] | others[1]) != 0)
			break;
	}
	while (at < text.len && text.ptr[at] != 0 && text.ptr[at] < 0x80)
		at++;
	return at;
}

size_t utf8_valid_len(struct span text)
{
	size_t at = skip_ascii(text, 0);

	while (at < text.len) {
		size_t len = sequence_len(span_sub(text, at, 4));

		if (len == 0)
			break;
		at += len;
		/* Letters outside of ASCII seldom come alone. */
		if (at < text.len && text.ptr[at] < 0x80)
			at = skip_ascii(text, at);
	}
	return at;
}

/* Repairs what begins in the first PIECE bytes, into `out`, which has room for it; gives how many bytes that took. */
static size_t repair_piece(struct span text, uint8_t *out, size_t *ret_len)
{
	size_t at = 0, len = 0;

	while (at < text.len && at < PIECE) {
		size_t valid = sequence_len(span_sub(text, at, 4));

		if (valid == 0)
			memcpy(out + len, replacement, sizeof replacement);
		else
			memcpy(out + len, text.ptr + at, valid);
		len += valid == 0 ? sizeof replacement : valid;
		at += valid == 0 ? 1 : valid;
	}
	*ret_len = len;
	return at;
}

/* Where one byte is broken, more are: from the first one on, pieces are put together before they are appended. */
void utf8_repair(struct span text, struct buf *out)
{
	uint8_t piece[PIECE * sizeof replacement + 1];

	while (text.len > 0) {
		size_t valid = utf8_valid_len(text), len, taken;

		buf_append(out, text.ptr, valid);
		text = span_sub(text, valid, text.len);
		taken = repair_piece(text, piece, &len);
		buf_append(out, piece, len);
		text = span_sub(text, taken, text.len);
	}
	wipe(piece, sizeof piece);
}

#include "shared/redact/utf8.h"

#include <string.h>

#define HIGH_BITS UINT64_C(0x8080808080808080)
#define LOW_BITS UINT64_C(0x0101010101010101)

static const uint8_t replacement[] = { 0xEF, 0xBF, 0xBD };

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

/* Nearly all text is ASCII: eight bytes at once while none is NUL or has its high bit set. */
static size_t ascii_len(struct span text)
{
	size_t at = 0;

	while (text.len - at >= sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, text.ptr + at, sizeof word);
		if (((word | (word - LOW_BITS)) & HIGH_BITS) != 0)
			break;
		at += sizeof word;
	}
	return at;
}

size_t utf8_valid_len(struct span text)
{
	size_t at = 0;

	while (at < text.len) {
		size_t len;

		at += ascii_len(span_sub(text, at, text.len));
		if (at == text.len)
			break;
		len = sequence_len(span_sub(text, at, text.len));
		if (len == 0)
			break;
		at += len;
	}
	return at;
}

void utf8_repair(struct span text, struct buf *out)
{
	while (text.len > 0) {
		size_t valid = utf8_valid_len(text);

		buf_append(out, text.ptr, valid);
		text = span_sub(text, valid, text.len);
		if (text.len == 0)
			break;
		buf_append(out, replacement, sizeof replacement);
		text = span_sub(text, 1, text.len);
	}
}

#include "shared/redact/decode.h"

#include "shared/redact/chars.h"

enum { GLANCE = 3, PROBE = 12 };

static int base64_value(uint8_t c)
{
	if (is_upper(c))
		return c - 'A';
	if (is_lower(c))
		return c - 'a' + 26;
	if (is_digit(c))
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* Writes at most `max` bytes to `out` and gives their number. */
static size_t decode(enum decode_kind kind, struct span encoded, size_t max, uint8_t *out)
{
	unsigned bits = 0, width = kind == DECODE_HEX ? 4 : 6;
	uint32_t held = 0;
	size_t len = 0;

	for (size_t i = 0; i < encoded.len && len < max; i++) {
		int value = kind == DECODE_HEX ? hex_value(encoded.ptr[i]) : base64_value(encoded.ptr[i]);

		if (value < 0)
			break;
		held = held << width | (uint32_t)value;
		bits += width;
		if (bits >= 8) {
			bits -= 8;
			out[len++] = (uint8_t)(held >> bits);
		}
	}
	return len;
}

void decode_append(enum decode_kind kind, struct span encoded, size_t max, struct buf *out)
{
	uint8_t *room;
	size_t most = encoded.len < max ? encoded.len : max;

	if (buf_reserve(out, most, &room) == STATUS_OK)
		buf_commit(out, decode(kind, encoded, most, room));
}

static bool is_printable(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((text.ptr[i] < 0x20 || text.ptr[i] > 0x7E) && !is_space(text.ptr[i]))
			return false;
	}
	return true;
}

/* Three bytes tell nearly always that it is not, so that the rest is seldom decoded. */
bool decode_is_promising(enum decode_kind kind, struct span encoded)
{
	uint8_t probe[PROBE];
	size_t len = decode(kind, encoded, GLANCE, probe);

	if (len < GLANCE)
		return false;
	if (probe[0] == 0x1F && probe[1] == 0x8B && probe[2] == 8)
		return true;
	if (!is_printable(span_of(probe, len)))
		return false;
	len = decode(kind, encoded, sizeof probe, probe);
	return len == PROBE && is_printable(span_of(probe, len));
}

#include "shared/redact/decode.h"

#include "shared/redact/chars.h"
#include "shared/redact/value.h"

enum {
	GLANCE = 3,
	PROBE = 12,
	READABLE_MIN = 16,
	READABLE_WORD = 16,    /* bytes for each blank at most; a password alone has none */
	READABLE_FOREIGN = 10, /* bytes for each that is not ASCII at least */
	PASSWORD_MIN = 6,
};

/* Both alphabets. Values are one more than they stand for: 0 is for what belongs to neither. */
static const uint8_t base64_values[256] = {
	['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7, ['H'] = 8, ['I'] = 9,
	['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18,
	['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27,
	['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36,
	['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45,
	['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54,
	['2'] = 55, ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62,
	['+'] = 63, ['-'] = 63, ['/'] = 64, ['_'] = 64,
};

static int base64_value(uint8_t c)
{
	return base64_values[c] - 1;
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

/* The first byte alone: text, or gzip's first. */
static bool may_begin(enum decode_kind kind, struct span encoded)
{
	int high, low;
	unsigned byte;

	if (encoded.len < 2)
		return false;
	high = kind == DECODE_HEX ? hex_value(encoded.ptr[0]) : base64_value(encoded.ptr[0]);
	low = kind == DECODE_HEX ? hex_value(encoded.ptr[1]) : base64_value(encoded.ptr[1]);
	if (high < 0 || low < 0)
		return false;
	byte = kind == DECODE_HEX ? (unsigned)(high << 4 | low) : (unsigned)(high << 2 | low >> 4);
	return (byte >= 0x20 && byte <= 0x7E) || is_space((uint8_t)byte) || byte == 0x1F;
}

/* RFC 1952 and RFC 1950: the first two bytes of a zlib stream are a multiple of 31; no dictionary, a window of 32 KiB. */
enum decode_packing decode_packing(struct span bytes)
{
	if (bytes.len < GLANCE)
		return DECODE_PLAIN;
	if (bytes.ptr[0] == 0x1F && bytes.ptr[1] == 0x8B && bytes.ptr[2] == 8)
		return DECODE_GZIP;
	if (bytes.ptr[0] == 0x78 && (0x7800U + bytes.ptr[1]) % 31 == 0 && (bytes.ptr[1] & 0x20) == 0)
		return DECODE_ZLIB;
	if (bytes.ptr[1] == 0 && is_printable(span_sub(bytes, 0, 1)) && is_printable(span_sub(bytes, 2, 1)))
		return DECODE_WIDE;
	return DECODE_PLAIN;
}

/* Three bytes tell nearly always that it is not, so that the rest is seldom decoded. */
bool decode_is_promising(enum decode_kind kind, struct span encoded)
{
	uint8_t probe[PROBE];
	size_t len;

	if (!may_begin(kind, encoded))
		return false;
	len = decode(kind, encoded, GLANCE, probe);
	if (len < GLANCE)
		return false;
	if (decode_packing(span_of(probe, len)) != DECODE_PLAIN)
		return true;
	if (!is_printable(span_of(probe, len)))
		return false;
	len = decode(kind, encoded, sizeof probe, probe);
	return len == PROBE && is_printable(span_of(probe, len));
}

bool decode_begins_text(enum decode_kind kind, struct span encoded)
{
	uint8_t probe[PROBE];
	size_t len = decode(kind, encoded, sizeof probe, probe);

	return len > 0 && is_printable(span_of(probe, len));
}

size_t decode_len(enum decode_kind kind, struct span encoded)
{
	while (kind == DECODE_BASE64 && encoded.len > 0 && encoded.ptr[encoded.len - 1] == '=')
		encoded.len--;
	return encoded.len * (kind == DECODE_HEX ? 4 : 6) / 8;
}

/* Capitals, small letters and digits, or a sign that neither names nor files have. */
static bool may_be_password(struct span word)
{
	struct char_counts counts = chars_count(word);

	if (word.len < PASSWORD_MIN || value_is_number(word))
		return false;
	for (size_t i = 0; i < word.len; i++) {
		if (!is_alnum(word.ptr[i]) && memchr("._-/@", word.ptr[i], 5) == NULL)
			return true;
	}
	return !value_is_identifier(word) || (counts.upper > 0 && counts.lower > 0 && counts.digits > 0);
}

/* Whatever it stands behind: nobody reads what is encoded by the way, so that less speaks for a secret than in a log. */
static bool holds_password(struct span plain)
{
	size_t start = 0;

	for (size_t i = 0; i <= plain.len; i++) {
		struct span word = span_sub(plain, start, i - start);

		if (i < plain.len && !is_space(plain.ptr[i]) && memchr("\"'`,;:=()[]{}<>|", plain.ptr[i], 16) == NULL)
			continue;
		while (word.len > 0 && memchr(".!?", word.ptr[word.len - 1], 3) != NULL)
			word.len--;
		if (may_be_password(word))
			return true;
		start = i + 1;
	}
	return false;
}

bool decode_is_readable(struct span plain)
{
	size_t blanks = 0, foreign = 0;

	for (size_t i = 0; i < plain.len; i++) {
		uint8_t c = plain.ptr[i];

		if (c == 0x7F || (c < 0x20 && !is_space(c)))
			return false;
		blanks += is_space(c);
		foreign += c >= 0x80;
	}
	if (plain.len < READABLE_MIN || foreign * READABLE_FOREIGN > plain.len || holds_password(plain))
		return false;
	return blanks * READABLE_WORD >= plain.len ||
	       (plain.ptr[0] == '{' && span_find(plain, SPAN_LIT("\":"), 0) < plain.len);
}

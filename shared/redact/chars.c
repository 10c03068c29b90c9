#include "shared/redact/chars.h"

/* Three counters in one word: no text is so long that one would run into the next. */
enum { SHIFT = 21, MAX_LEN = (1 << SHIFT) - 1 };
#define LOWER UINT64_C(1)
#define UPPER (UINT64_C(1) << SHIFT)
#define DIGIT (UINT64_C(1) << 2 * SHIFT)

static const uint64_t units[256] = { ['a' ... 'z'] = LOWER, ['A' ... 'Z'] = UPPER, ['0' ... '9'] = DIGIT };

struct char_counts chars_count(struct span text)
{
	struct char_counts counts = { 0 };

	while (text.len > 0) {
		struct span part = span_sub(text, 0, MAX_LEN);
		uint64_t sum = 0;

		for (size_t i = 0; i < part.len; i++)
			sum += units[part.ptr[i]];
		counts.lower += sum & MAX_LEN;
		counts.upper += sum >> SHIFT & MAX_LEN;
		counts.digits += sum >> 2 * SHIFT;
		text = span_sub(text, part.len, text.len);
	}
	return counts;
}

#define LOW_BITS UINT64_C(0x0101010101010101)
#define HIGH_BITS UINT64_C(0x8080808080808080)

/* Not zero when one of the eight bytes is `c`. */
static uint64_t has(const uint8_t *bytes, uint8_t c)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof word);
	word ^= LOW_BITS * c;
	return (word - LOW_BITS) & ~word & HIGH_BITS;
}

size_t chars_find(struct span text, uint8_t c, size_t from)
{
	size_t at = from;

	while (at + 16 <= text.len && (has(text.ptr + at, c) | has(text.ptr + at + 8, c)) == 0)
		at += 16;
	while (at < text.len && text.ptr[at] != c)
		at++;
	return at < text.len ? at : text.len;
}

size_t chars_find_last(struct span text, uint8_t c, size_t from, size_t to)
{
	size_t at = to;

	while (at - from >= 8 && has(text.ptr + at - 8, c) == 0)
		at -= 8;
	while (at > from && text.ptr[at - 1] != c)
		at--;
	return at > from ? at - 1 : to;
}

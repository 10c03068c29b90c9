#include "shared/redact/chars.h"

#if defined(__x86_64__) && !defined(RESCUE_PLAIN)
#include <immintrin.h>
#endif

/* Three counters in one word: no text is so long that one would run into the next. */
enum { SHIFT = 21, MAX_LEN = (1 << SHIFT) - 1 };
#define LOWER UINT64_C(1)
#define UPPER (UINT64_C(1) << SHIFT)
#define DIGIT (UINT64_C(1) << 2 * SHIFT)

static const uint64_t units[256] = { ['a' ... 'z'] = LOWER, ['A' ... 'Z'] = UPPER, ['0' ... '9'] = DIGIT };

static struct char_counts count_plain(struct span text)
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

#if defined(__x86_64__) && !defined(RESCUE_PLAIN)
enum { LANES = 16 };

/* Bytes outside of ASCII are negative, and so below each of the ranges. */
static unsigned mask_between(__m128i block, char first, char last)
{
	__m128i above = _mm_cmpgt_epi8(block, _mm_set1_epi8((char)(first - 1)));

	return (unsigned)_mm_movemask_epi8(_mm_and_si128(above, _mm_cmplt_epi8(block, _mm_set1_epi8((char)(last + 1)))));
}

/* Sixteen bytes at once, of which there have to be so many: the last step goes back over what was counted already. */
__attribute__((target("popcnt"))) static struct char_counts count_sse(struct span text)
{
	struct char_counts counts = { 0 };

	for (size_t at = 0; at < text.len; at += LANES) {
		size_t from = text.len - at < LANES ? text.len - LANES : at;
		unsigned fresh = UINT16_MAX << (at - from) & UINT16_MAX;
		__m128i block = _mm_loadu_si128((const __m128i *)(const void *)(text.ptr + from));

		counts.lower += (unsigned)__builtin_popcount(mask_between(block, 'a', 'z') & fresh);
		counts.upper += (unsigned)__builtin_popcount(mask_between(block, 'A', 'Z') & fresh);
		counts.digits += (unsigned)__builtin_popcount(mask_between(block, '0', '9') & fresh);
	}
	return counts;
}
#endif

struct char_counts chars_count(struct span text)
{
#if defined(__x86_64__) && !defined(RESCUE_PLAIN)
	if (text.len >= LANES && __builtin_cpu_supports("popcnt"))
		return count_sse(text);
#endif
	return count_plain(text);
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

/* Of sixteen bytes; not zero in either half when one of those is `c`. */
typedef uint64_t halves __attribute__((vector_size(16)));

static halves find_in(const uint8_t *bytes, uint8_t c)
{
	typedef uint8_t block __attribute__((vector_size(16)));
	block b;

	memcpy(&b, bytes, sizeof b);
	return (halves)(b == c);
}

size_t chars_find(struct span text, uint8_t c, size_t from)
{
	size_t at = from;

	for (; at + 64 <= text.len; at += 64) {
		const uint8_t *p = text.ptr + at;
		halves any = find_in(p, c) | find_in(p + 16, c) | find_in(p + 32, c) | find_in(p + 48, c);

		if ((any[0] | any[1]) != 0)
			break;
	}
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

#include "shared/redact/runs.h"

#if defined(__x86_64__) && !defined(RESCUE_PLAIN)
#include <immintrin.h>
#endif

/* The text is looked at in blocks, of which a mask has a bit for each byte, the first one lowest. */
enum { BLOCK = 64 };

static const bool members[256] = {
	['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true,
	['+'] = true, ['/'] = true, ['='] = true, ['-'] = true, ['_'] = true,
};

bool runs_is_member(uint8_t c)
{
	return members[c];
}

static uint64_t mask_plain(const uint8_t *bytes)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < BLOCK; i++)
		mask |= (uint64_t)members[bytes[i]] << i;
	return mask;
}

#if defined(__x86_64__) && !defined(RESCUE_PLAIN)
/* A byte is a member when the rows of its upper half and of its lower half have a bit in common; none above 0x7F are. */
__attribute__((target("avx2"))) static unsigned half_mask_avx2(const uint8_t *bytes)
{
	enum { SIGNS = 1, DIGITS = 2, FIRST = 4, LAST_UPPER = 8, LAST_LOWER = 16 };
	const __m256i of_lower = _mm256_broadcastsi128_si256(_mm_setr_epi8(
		DIGITS | LAST_UPPER | LAST_LOWER, DIGITS | FIRST | LAST_UPPER | LAST_LOWER, DIGITS | FIRST | LAST_UPPER | LAST_LOWER,
		DIGITS | FIRST | LAST_UPPER | LAST_LOWER, DIGITS | FIRST | LAST_UPPER | LAST_LOWER,
		DIGITS | FIRST | LAST_UPPER | LAST_LOWER, DIGITS | FIRST | LAST_UPPER | LAST_LOWER,
		DIGITS | FIRST | LAST_UPPER | LAST_LOWER, DIGITS | FIRST | LAST_UPPER | LAST_LOWER,
		DIGITS | FIRST | LAST_UPPER | LAST_LOWER, FIRST | LAST_UPPER | LAST_LOWER, SIGNS | FIRST, FIRST,
		SIGNS | DIGITS | FIRST, FIRST, SIGNS | FIRST | LAST_UPPER));
	const __m256i of_upper = _mm256_broadcastsi128_si256(
		_mm_setr_epi8(0, 0, SIGNS, DIGITS, FIRST, LAST_UPPER, FIRST, LAST_LOWER, 0, 0, 0, 0, 0, 0, 0, 0));
	__m256i block = _mm256_loadu_si256((const __m256i *)(const void *)bytes);
	__m256i upper = _mm256_and_si256(_mm256_srli_epi16(block, 4), _mm256_set1_epi8(0x0F));
	__m256i common = _mm256_and_si256(_mm256_shuffle_epi8(of_lower, block), _mm256_shuffle_epi8(of_upper, upper));

	return ~(unsigned)_mm256_movemask_epi8(_mm256_cmpeq_epi8(common, _mm256_setzero_si256()));
}

__attribute__((target("avx2"))) static uint64_t mask_avx2(const uint8_t *bytes)
{
	return half_mask_avx2(bytes) | (uint64_t)half_mask_avx2(bytes + BLOCK / 2) << BLOCK / 2;
}
#endif

/* Which of the bytes from `at` on are members; none behind the end is. */
static uint64_t mask_at(struct span text, size_t at)
{
	const uint8_t *bytes = text.ptr + at;
	uint8_t last[BLOCK] = { 0 };

	if (text.len - at < BLOCK)
		bytes = memcpy(last, bytes, text.len - at);
#if defined(__x86_64__) && !defined(RESCUE_PLAIN)
	if (__builtin_cpu_supports("avx2"))
		return mask_avx2(bytes);
#endif
	return mask_plain(bytes);
}

/* Where RUNS_MIN ones in a row begin; BLOCK for nowhere. Each step doubles how many a bit that is left stands for. */
static size_t find_ones(uint64_t mask)
{
	_Static_assert(RUNS_MIN == 16 + 7, "the last step");
	mask &= mask >> 1;
	mask &= mask >> 2;
	mask &= mask >> 4;
	mask &= mask >> 8;
	mask &= mask >> 7;
	return mask == 0 ? (size_t)BLOCK : (size_t)__builtin_ctzll(mask);
}

/* Where the run ends that holds byte `bit` of the block at `at`. */
static size_t run_end(struct span text, size_t at, uint64_t mask, size_t bit)
{
	uint64_t others = ~mask & UINT64_MAX << bit;

	while (others == 0 && text.len - at > BLOCK) {
		at += BLOCK;
		others = ~mask_at(text, at);
	}
	return others == 0 ? text.len : at + (size_t)__builtin_ctzll(others);
}

bool runs_next(struct span text, size_t from, size_t *ret_start, size_t *ret_end)
{
	size_t before = 0; /* members in a row just before the block */

	for (size_t at = from; at < text.len; at += BLOCK) {
		uint64_t mask = mask_at(text, at);
		size_t first = mask == UINT64_MAX ? (size_t)BLOCK : (size_t)__builtin_ctzll(~mask);
		size_t start = before + first >= RUNS_MIN ? 0 : find_ones(mask);

		if (start < BLOCK) {
			*ret_start = start == 0 ? at - before : at + start;
			*ret_end = run_end(text, at, mask, start);
			return true;
		}
		before = (size_t)__builtin_clzll(~mask);
	}
	return false;
}

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

#include "shared/redact/words.h"

#include "shared/redact/chars.h"

/* Eight bytes as a number that is in the order of the bytes. */
static uint64_t order_of(const char *text)
{
	uint64_t number;

	memcpy(&number, text, sizeof number);
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap64(number) : number;
}

bool words_hold(struct word_list list, const char word[static WORDS_LISTED])
{
	uint64_t first = order_of(word), second = order_of(word + 8);
	size_t low = 0, count = list.count;

	while (count > 0) {
		size_t middle = low + count / 2;
		uint64_t there = order_of(list.words[middle]), wanted = first;

		if (there == first) {
			there = order_of(list.words[middle] + 8);
			wanted = second;
			if (there == second)
				return true;
		}
		if (there < wanted)
			low = middle + 1;
		count = there < wanted ? count - count / 2 - 1 : count / 2;
	}
	return false;
}

bool words_hold_span(struct word_list list, struct span word)
{
	word_listed lower = "";

	if (word.len >= WORDS_LISTED)
		return false;
	for (size_t i = 0; i < word.len; i++)
		lower[i] = (char)to_lower(word.ptr[i]);
	return words_hold(list, lower);
}

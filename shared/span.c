#include "shared/span.h"

static uint8_t lower(uint8_t byte)
{
	return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
}

bool span_eq_nocase(struct span a, struct span b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (lower(a.ptr[i]) != lower(b.ptr[i]))
			return false;
	}
	return true;
}

size_t span_find(struct span text, struct span needle, size_t from)
{
	const uint8_t *hit;

	if (from > text.len || needle.len > text.len - from)
		return text.len;
	if (needle.len == 0)
		return from;
	hit = memmem(text.ptr + from, text.len - from, needle.ptr, needle.len);
	return hit == NULL ? text.len : (size_t)(hit - text.ptr);
}

uint64_t span_hash(struct span text, uint64_t seed)
{
	uint64_t hash = seed;

	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ text.ptr[i]) * 0x100000001b3U;
	return hash ^ (hash >> 32);
}

bool span_to_u64(struct span text, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (text.len == 0)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte = text.ptr[i];

		if (byte < '0' || byte > '9')
			return false;
		if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(byte - '0'), &value))
			return false;
	}
	*ret_value = value;
	return true;
}

bool span_next_line(struct span *rest, struct span *ret_line)
{
	const uint8_t *newline;
	size_t len;

	if (rest->len == 0)
		return false;
	newline = memchr(rest->ptr, '\n', rest->len);
	len = newline == NULL ? rest->len : (size_t)(newline - rest->ptr) + 1;
	*ret_line = span_sub(*rest, 0, len);
	*rest = span_sub(*rest, len, rest->len);
	return true;
}

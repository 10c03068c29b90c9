/*
 * chars: classes of ASCII bytes, without the locale.
 *
 * Pure functions; thread: any.
 */
#ifndef RESCUE_SHARED_REDACT_CHARS_H
#define RESCUE_SHARED_REDACT_CHARS_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/span.h"

static inline bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static inline bool is_upper(uint8_t c)
{
	return c >= 'A' && c <= 'Z';
}

static inline bool is_lower(uint8_t c)
{
	return c >= 'a' && c <= 'z';
}

static inline bool is_alpha(uint8_t c)
{
	return is_upper(c) || is_lower(c);
}

static inline bool is_alnum(uint8_t c)
{
	return is_alpha(c) || is_digit(c);
}

static inline bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static inline bool is_space(uint8_t c)
{
	return is_blank(c) || c == '\n' || c == '\r';
}

static inline uint8_t to_lower(uint8_t c)
{
	return is_upper(c) ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* The value of a hexadecimal digit, or -1. */
static inline int hex_value(uint8_t c)
{
	if (is_digit(c))
		return c - '0';
	c = to_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* How many of each class a text has. */
struct char_counts {
	size_t lower;
	size_t upper;
	size_t digits;
};

struct char_counts chars_count(struct span text);

/*
 * Offset of the next `c` from `from` on, text.len when there is none; and of the last one in [from, to), `to` when there
 * is none. As memchr(3) and memrchr(3), which are slow in musl.
 */
size_t chars_find(struct span text, uint8_t c, size_t from);
size_t chars_find_last(struct span text, uint8_t c, size_t from, size_t to);

#endif

#include "shared/redact/runs.h"

#include "shared/redact/chars.h"

/* Every run of BLOCK + STRIDE - 1 members covers a whole block that begins at a multiple of STRIDE. */
enum { BLOCK = 16, STRIDE = 8 };

bool runs_is_member(uint8_t c)
{
	return is_alnum(c) || c == '+' || c == '/' || c == '=' || c == '-' || c == '_';
}

/* Sixteen bytes at once: whether all of them are members. */
static bool is_member_block(const uint8_t *bytes)
{
	typedef uint8_t block __attribute__((vector_size(BLOCK)));
	typedef uint64_t halves __attribute__((vector_size(BLOCK)));
	block b, folded;
	halves others;

	memcpy(&b, bytes, sizeof b);
	folded = b | 0x20;
	others = (halves) ~(block)(((block)(folded - 'a') <= 25) | ((block)(b - '0') <= 9) | (b == '+') | (b == '/') |
	                           (b == '=') | (b == '-') | (b == '_'));
	return (others[0] | others[1]) == 0;
}

bool runs_next(struct span text, size_t from, size_t *ret_start, size_t *ret_end)
{
	size_t at = from, start, end;

	while (at + BLOCK <= text.len && !is_member_block(text.ptr + at))
		at += STRIDE;
	if (at + BLOCK > text.len)
		return false;
	for (start = at; start > from && runs_is_member(text.ptr[start - 1]); start--)
		continue;
	for (end = at + BLOCK; end < text.len && runs_is_member(text.ptr[end]); end++)
		continue;
	*ret_start = start;
	*ret_end = end;
	return true;
}

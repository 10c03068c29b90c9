#include "shared/redact/runs.h"

/*
 * The text is looked at in halves of HALF bytes, two at once. Every run of RUNS_MIN - 1 bytes holds two halves in a row,
 * wherever the halves begin.
 */
enum { HALF = 8, BLOCK = 2 * HALF };
_Static_assert(RUNS_MIN > 3 * HALF - 1, "a run holds two whole halves");

static const bool members[256] = {
	['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true,
	['+'] = true, ['/'] = true, ['='] = true, ['-'] = true, ['_'] = true,
};

bool runs_is_member(uint8_t c)
{
	return members[c];
}

/* Of sixteen bytes: what is not zero in a half tells that the half has others than members. */
typedef uint64_t halves __attribute__((vector_size(BLOCK)));

static halves others_in(const uint8_t *bytes)
{
	typedef uint8_t block __attribute__((vector_size(BLOCK)));
	block b, folded;

	memcpy(&b, bytes, sizeof b);
	folded = b | 0x20;
	return (halves) ~(block)(((block)(folded - 'a') <= 25) | ((block)(b - '0') <= 9) | (b == '+') | (b == '/') |
	                         (b == '=') | (b == '-') | (b == '_'));
}

static bool is_member_half(struct span text, size_t at)
{
	for (size_t i = 0; i < HALF; i++) {
		if (at + i >= text.len || !runs_is_member(text.ptr[at + i]))
			return false;
	}
	return true;
}

/* Where two halves in a row are members; text.len when there are none. */
static size_t find_block(struct span text, size_t from)
{
	bool follows = false; /* the half before is one */
	size_t at = from;

	for (; at + BLOCK <= text.len; at += BLOCK) {
		halves others = others_in(text.ptr + at);

		if (others[0] == 0 && (follows || others[1] == 0))
			return follows ? at - HALF : at;
		follows = others[1] == 0;
	}
	return follows && is_member_half(text, at) ? at - HALF : text.len;
}

bool runs_next(struct span text, size_t from, size_t *ret_start, size_t *ret_end)
{
	size_t at = find_block(text, from), start, end;

	if (at >= text.len)
		return false;
	for (start = at; start > from && members[text.ptr[start - 1]]; start--)
		continue;
	for (end = at + BLOCK; end < text.len && members[text.ptr[end]]; end++)
		continue;
	*ret_start = start;
	*ret_end = end;
	return true;
}

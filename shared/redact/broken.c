#include "shared/redact/broken.h"

#include "shared/redact/chars.h"

enum { MIN_PIECE = 6, LONG_VALUE = 32, LONGER_VALUE = 128, MAX_GAP = 32 };

uint32_t broken_pieces(struct span value)
{
	if (value.len < 2 * MIN_PIECE)
		return 0;
	return value.len < LONG_VALUE ? 2 : value.len < LONGER_VALUE ? 4 : BROKEN_MAX_PIECES;
}

struct span broken_piece(struct span value, uint32_t number)
{
	uint32_t count = broken_pieces(value);
	size_t start = value.len * number / count, end = value.len * (number + 1) / count;

	return span_sub(value, start, end - start);
}

/* Signs of no width, and the letters of \n and \r. */
static size_t sign_len(struct span text, size_t at)
{
	struct span rest = span_sub(text, at, 3);

	if (span_starts_with(rest, SPAN_LIT("\xE2\x80\x8B")) || span_starts_with(rest, SPAN_LIT("\xE2\x80\x8C")) ||
	    span_starts_with(rest, SPAN_LIT("\xE2\x80\x8D")) || span_starts_with(rest, SPAN_LIT("\xE2\x81\xA0")) ||
	    span_starts_with(rest, SPAN_LIT("\xEF\xBB\xBF")))
		return 3;
	if (rest.len >= 2 && rest.ptr[0] == '\\' && (rest.ptr[1] == 'n' || rest.ptr[1] == 'r'))
		return 2;
	return span_starts_with(rest, SPAN_LIT("\xC2\xAD")) ? 2 : 0;
}

/* What may stand between two pieces: white space, quotes, the sign that joins texts, a line's continuation. */
static size_t gap_end(struct span text, size_t at)
{
	size_t end = at;

	while (end < text.len && end - at < MAX_GAP) {
		size_t sign = sign_len(text, end);

		if (sign == 0 && memchr(" \t\r\n\"'`+\\", text.ptr[end], 9) == NULL)
			break;
		end += sign > 0 ? sign : 1;
	}
	return end;
}

static size_t gap_start(struct span text, size_t at)
{
	size_t start = at;

	while (start > 0 && at - start < MAX_GAP) {
		size_t sign = start >= 3 && sign_len(text, start - 3) == 3 ? 3 :
		              start >= 2 && sign_len(text, start - 2) == 2 ? 2 : 0;

		if (sign == 0 && memchr(" \t\r\n\"'`+\\", text.ptr[start - 1], 9) == NULL)
			break;
		start -= sign > 0 ? sign : 1;
	}
	return start;
}

static bool match_behind(struct span value, struct span text, size_t *at)
{
	for (size_t i = 0; i < value.len; i++) {
		if (*at >= text.len || text.ptr[*at] != value.ptr[i])
			*at = gap_end(text, *at);
		if (*at >= text.len || text.ptr[(*at)++] != value.ptr[i])
			return false;
	}
	return true;
}

static bool match_before(struct span value, struct span text, size_t *at)
{
	for (size_t i = value.len; i > 0; i--) {
		if (*at == 0 || text.ptr[*at - 1] != value.ptr[i - 1])
			*at = gap_start(text, *at);
		if (*at == 0 || text.ptr[--*at] != value.ptr[i - 1])
			return false;
	}
	return true;
}

bool broken_match(struct span value, uint32_t number, struct span text, size_t *start, size_t *ret_end)
{
	struct span piece = broken_piece(value, number);
	size_t offset = (size_t)(piece.ptr - value.ptr);

	*ret_end = *start + piece.len;
	return match_before(span_sub(value, 0, offset), text, start) &&
	       match_behind(span_sub(value, offset + piece.len, value.len), text, ret_end);
}

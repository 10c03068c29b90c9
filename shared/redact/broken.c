#include "shared/redact/broken.h"

#include "shared/redact/chars.h"

enum { MIN_PIECE = 6, MAX_GAP = 32, MAX_SIGN = 4 };

uint32_t broken_pieces(struct span value)
{
	size_t count = value.len / MIN_PIECE;

	return count < 2 ? 0 : count < BROKEN_MAX_PIECES ? (uint32_t)count : BROKEN_MAX_PIECES;
}

struct span broken_piece(struct span value, uint32_t number)
{
	uint32_t count = broken_pieces(value);
	size_t start = value.len * number / count, end = value.len * (number + 1) / count;

	return span_sub(value, start, end - start);
}

/* Signs of no width, the letters of \n and \r, and what rsyslog writes for the end of a line. */
static size_t sign_len(struct span text, size_t at)
{
	struct span rest = span_sub(text, at, 3);

	if (span_starts_with(rest, SPAN_LIT("\xE2\x80\x8B")) || span_starts_with(rest, SPAN_LIT("\xE2\x80\x8C")) ||
	    span_starts_with(rest, SPAN_LIT("\xE2\x80\x8D")) || span_starts_with(rest, SPAN_LIT("\xE2\x81\xA0")) ||
	    span_starts_with(rest, SPAN_LIT("\xEF\xBB\xBF")))
		return 3;
	if (span_starts_with(span_sub(text, at, 4), SPAN_LIT("#012")))
		return 4;
	if (rest.len >= 2 && rest.ptr[0] == '\\' && (rest.ptr[1] == 'n' || rest.ptr[1] == 'r'))
		return 2;
	return span_starts_with(rest, SPAN_LIT("\xC2\xAD")) ? 2 : 0;
}

static bool is_joint(uint8_t c)
{
	return is_space(c) || memchr("\"'`+\\>", c, 6) != NULL;
}

/* Between two pieces: white space, quotes, what joins texts, a line's continuation, the mark of a line that is quoted. */
static size_t gap_end(struct span text, size_t at)
{
	size_t end = at;

	while (end < text.len && end - at < MAX_GAP) {
		size_t len = sign_len(text, end);

		if (len == 0 && !is_joint(text.ptr[end]))
			break;
		end += len > 0 ? len : 1;
	}
	return end;
}

static size_t gap_start(struct span text, size_t at)
{
	size_t start = at;

	while (start > 0 && at - start < MAX_GAP) {
		size_t len = MAX_SIGN;

		while (len > 1 && (start < len || sign_len(text, start - len) != len))
			len--;
		if (len == 1 && !is_joint(text.ptr[start - 1]))
			break;
		start -= len;
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

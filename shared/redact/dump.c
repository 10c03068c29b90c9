#include "shared/redact/dump.h"

#include "shared/redact/chars.h"
#include "shared/redact/literal.h"

enum { MIN_DIGITS = 6, MAX_DIGITS = 8, MAX_PREFIX = 64, MAX_LINE = 512, LINE_BYTES = 64, CELL = 4, MIN_BYTES = 4 };

/* How the bytes are written. */
enum notation {
	NOTATION_HEX,    /* xxd, hexdump -C, od -t x1: two digits a byte, in groups or not */
	NOTATION_WORDS,  /* hexdump, od -x: numbers of two bytes, the second byte first */
	NOTATION_OCTAL,  /* od -b: three digits a byte */
	NOTATION_CELLS,  /* od -c, hexdump -c: characters and escapes in cells of four */
};

struct layout {
	size_t column; /* of the number, behind what stands before it on each line */
	size_t digits;
	bool has_colon;
	enum notation notation;
};

static struct span line_at(struct span text, size_t line)
{
	struct span window = span_sub(text, line, MAX_LINE);

	return span_sub(window, 0, chars_find(window, '\n', 0));
}

static size_t count_hex(struct span line, size_t at)
{
	size_t end = at;

	while (end < line.len && hex_value(line.ptr[end]) >= 0)
		end++;
	return end - at;
}

/* Where the bytes of a line begin; 0 when the line has no number where the others have it. */
static size_t data_start(struct span line, const struct layout *layout)
{
	size_t end = layout->column + layout->digits;

	if (line.len <= end || count_hex(line, layout->column) != layout->digits)
		return 0;
	if (layout->has_colon != (line.ptr[end] == ':') || (!layout->has_colon && line.ptr[end] != ' '))
		return 0;
	return end + layout->has_colon;
}

static bool read_number(struct span line, size_t at, size_t digits, unsigned base, unsigned *ret_number)
{
	*ret_number = 0;
	for (size_t i = at; i < at + digits; i++) {
		int digit = i < line.len ? hex_value(line.ptr[i]) : -1;

		if (digit < 0 || (unsigned)digit >= base)
			return false;
		*ret_number = *ret_number * base + (unsigned)digit;
	}
	return true;
}

/* "   p", "  \n", " 012". */
static bool read_cell(struct span cell, uint8_t *ret_byte)
{
	static const char letters[] = "ntrabfv0", bytes[] = "\n\t\r\a\b\f\v";
	const char *letter;
	unsigned number;

	if (cell.len < CELL || cell.ptr[0] != ' ')
		return false;
	if (cell.ptr[1] == ' ' && cell.ptr[2] == ' ') {
		*ret_byte = cell.ptr[3];
		return true;
	}
	letter = cell.ptr[1] == ' ' && cell.ptr[2] == '\\' ? strchr(letters, cell.ptr[3]) : NULL;
	if (letter != NULL) {
		*ret_byte = (uint8_t)bytes[letter - letters];
		return true;
	}
	if (!read_number(cell, 1, 3, 8, &number) || number > 0xFF)
		return false;
	*ret_byte = (uint8_t)number;
	return true;
}

static size_t read_cells(struct span line, size_t at, uint8_t bytes[static LINE_BYTES])
{
	size_t count = 0;

	while (count < LINE_BYTES && read_cell(span_sub(line, at, CELL), &bytes[count])) {
		count++;
		at += CELL;
	}
	return count;
}

/* Groups of digits, to where two blanks part them from the text beside them, or to what is no such group. */
static size_t read_groups(struct span line, size_t at, const struct layout *layout, uint8_t bytes[static LINE_BYTES])
{
	size_t digits = layout->notation == NOTATION_OCTAL ? 3 : 2, count = 0;

	for (;;) {
		size_t blanks = at, len, first = count;

		while (at < line.len && line.ptr[at] == ' ')
			at++;
		len = count_hex(line, at);
		if ((layout->has_colon && at - blanks > 1) || len == 0 || len % digits != 0 ||
		    len / digits > LINE_BYTES - count)
			return count;
		for (size_t i = 0; i < len; i += digits) {
			unsigned number;

			if (!read_number(line, at + i, digits, digits == 3 ? 8 : 16, &number) || number > 0xFF)
				return count;
			bytes[count++] = (uint8_t)number;
		}
		if (layout->notation == NOTATION_WORDS && count == first + 2) {
			uint8_t second = bytes[first];

			bytes[first] = bytes[first + 1];
			bytes[first + 1] = second;
		}
		at += len;
	}
}

/* What the first group of digits is like says how all are written. */
static bool find_notation(struct span line, size_t at, struct layout *layout)
{
	size_t first = literal_skip_blanks(line, at), len = count_hex(line, first);
	uint8_t byte;

	if (layout->has_colon || len == 2)
		layout->notation = NOTATION_HEX;
	else if (len == 4)
		layout->notation = NOTATION_WORDS;
	else if (len == 3 && first == at + 1)
		layout->notation = NOTATION_OCTAL;
	else
		layout->notation = NOTATION_CELLS;
	return layout->notation != NOTATION_CELLS || read_cell(span_sub(line, at, CELL), &byte);
}

static bool find_layout(struct span text, size_t at, size_t line, struct layout *ret_layout)
{
	size_t start = at, end = at;

	while (start > line && hex_value(text.ptr[start - 1]) >= 0)
		start--;
	while (end < text.len && hex_value(text.ptr[end]) >= 0)
		end++;
	ret_layout->column = start - line;
	ret_layout->digits = end - start;
	ret_layout->has_colon = end < text.len && text.ptr[end] == ':';
	return ret_layout->digits >= MIN_DIGITS && ret_layout->digits <= MAX_DIGITS && ret_layout->column <= MAX_PREFIX;
}

static size_t read_line(struct span line, const struct layout *layout, uint8_t bytes[static LINE_BYTES])
{
	size_t at = data_start(line, layout);

	if (at == 0)
		return 0;
	return layout->notation == NOTATION_CELLS ? read_cells(line, at, bytes) : read_groups(line, at, layout, bytes);
}

bool dump_read(struct span text, size_t at, struct buf *bytes, size_t *ret_start, size_t *ret_end)
{
	size_t line = literal_line_start(text, at);
	struct layout layout = { 0 };
	struct span first;

	if (!find_layout(text, at, line, &layout))
		return false;
	first = line_at(text, line);
	*ret_start = data_start(first, &layout);
	if (*ret_start == 0 || !find_notation(first, *ret_start, &layout))
		return false;
	*ret_start = literal_skip_blanks(text, line + *ret_start);
	*ret_end = line;
	while (line < text.len) {
		uint8_t read[LINE_BYTES];
		struct span next = line_at(text, line);
		size_t count = read_line(next, &layout, read);

		if (count == 0 || bytes->len + count > bytes->max)
			break;
		buf_append(bytes, read, count);
		*ret_end = line + next.len;
		line = *ret_end + 1;
	}
	return bytes->len >= MIN_BYTES;
}

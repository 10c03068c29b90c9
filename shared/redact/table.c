#include "shared/redact/table.h"

#include "shared/redact/chars.h"
#include "shared/redact/keyname.h"
#include "shared/redact/value.h"

enum { MAX_COLUMNS = 64, MAX_TITLE = 48, SHORT_NUMBER = 8 };

struct row {
	size_t start;
	size_t end;
	uint8_t separator;
};

/* Which columns hold secrets, as what, and how many columns there are. */
struct columns {
	const char *labels[MAX_COLUMNS]; /* NULL: none */
	size_t count;
	size_t first; /* of them: where its title begins and ends */
	size_t first_end;
};

static const char separators[TABLE_SEPARATORS] = { ',', ';', '\t', '|' };

static bool is_separator(uint8_t c)
{
	return memchr(separators, c, sizeof separators) != NULL;
}

static bool is_title_byte(uint8_t c)
{
	return is_alnum(c) || memchr("_-. /()", c, 7) != NULL;
}

/* Back over the words of a title: to where a cell begins. */
static bool starts_cell(struct span text, size_t at)
{
	size_t least = at > MAX_TITLE ? at - MAX_TITLE : 0;

	while (at > least && is_title_byte(text.ptr[at - 1]))
		at--;
	/* In a sentence a blank follows the comma. */
	if (text.ptr[at] == ' ')
		return at > 0 && (text.ptr[at - 1] == '|' || text.ptr[at - 1] == '\n');
	if (at > 0 && text.ptr[at - 1] == '"')
		at--;
	return at == 0 || is_separator(text.ptr[at - 1]) || text.ptr[at - 1] == '\n';
}

bool table_is_possible(struct span text, const struct assignment *name)
{
	size_t at = name->end + (text.ptr[name->end] == '"');

	while (at < text.len && text.ptr[at] == ' ')
		at++;
	return at < text.len && memchr(",;\t\n\r|", text.ptr[at], 6) != NULL && starts_cell(text, name->start);
}

static struct row row_at(struct span text, size_t line, uint8_t separator)
{
	struct row row = { line, literal_line_end(text, line), separator };

	while (row.end > line && (text.ptr[row.end - 1] == '\r' || text.ptr[row.end - 1] == ' '))
		row.end--;
	/* The bars at both ends of a drawn table's row. */
	while (separator == '|' && row.start < row.end && (is_blank(text.ptr[row.start]) || text.ptr[row.start] == '|'))
		row.start++;
	while (separator == '|' && row.end > row.start && (is_blank(text.ptr[row.end - 1]) || text.ptr[row.end - 1] == '|'))
		row.end--;
	return row;
}

/* Takes the cell at row->start, without its quotes and the blanks around it. False when none is left. */
static bool next_cell(struct span text, struct row *row, struct span *ret_cell)
{
	size_t start = row->start, end = start;
	bool quoted = false;

	/* A sentence goes on with a blank. */
	if (start > row->end || (row->separator != '|' && start < row->end && text.ptr[start] == ' '))
		return false;
	while (end < row->end && (quoted || text.ptr[end] != row->separator)) {
		quoted ^= text.ptr[end] == '"';
		end++;
	}
	row->start = end + 1;
	while (end > start && (is_blank(text.ptr[end - 1]) || text.ptr[end - 1] == '"'))
		end--;
	while (start < end && (is_blank(text.ptr[start]) || text.ptr[start] == '"'))
		start++;
	*ret_cell = span_sub(text, start, end - start);
	return true;
}

static size_t count_cells(struct span text, struct row row)
{
	struct span cell;
	size_t count = 0;

	while (next_cell(text, &row, &cell))
		count++;
	return count;
}

static bool is_title(struct span cell)
{
	if (cell.len == 0 || cell.len > MAX_TITLE || !is_alpha(cell.ptr[0]))
		return false;
	for (size_t i = 0; i < cell.len; i++) {
		if (!is_title_byte(cell.ptr[i]))
			return false;
	}
	return value_is_identifier(cell);
}

static bool read_columns(struct span text, struct row header, struct columns *ret_columns)
{
	const char *label = NULL;
	struct span cell;

	*ret_columns = (struct columns){ 0 };
	while (next_cell(text, &header, &cell)) {
		if (!is_title(cell) || ret_columns->count == MAX_COLUMNS)
			return false;
		if (keyname_judge(cell, &label) == KEY_STRONG) {
			if (ret_columns->first_end == 0) {
				ret_columns->first = (size_t)(cell.ptr - text.ptr);
				ret_columns->first_end = ret_columns->first + cell.len;
			}
			ret_columns->labels[ret_columns->count] = label;
		}
		ret_columns->count++;
	}
	/* Two cells, of which the first names a secret: that is its value, and the lines below have names of their own. */
	return ret_columns->count > 1 && ret_columns->first_end > 0 &&
	       (ret_columns->count > 2 || ret_columns->labels[0] == NULL);
}

/* "----+-----", "+----+-----+" */
static bool is_ruler(struct span line)
{
	for (size_t i = 0; i < line.len; i++) {
		if (memchr("-+=|: \r", line.ptr[i], 7) == NULL)
			return false;
	}
	return line.len > 0;
}

static void add_cells(struct span text, struct row row, const struct columns *columns, struct findings *findings)
{
	struct span cell;

	for (size_t i = 0; next_cell(text, &row, &cell); i++) {
		size_t start = (size_t)(cell.ptr - text.ptr);

		if (columns->labels[i] == NULL || value_is_placeholder(cell) ||
		    (value_is_number(cell) && cell.len < SHORT_NUMBER))
			continue;
		findings_add(findings, (struct finding){ .start = start,
		                                         .end = start + cell.len,
		                                         .rank = FINDING_KEY,
		                                         .label = columns->labels[i],
		                                         .rule = "table-column" });
	}
}

/* The rows of one table have as many cells as its header: what stands below such a row is none. */
static bool is_first_row(struct span text, size_t line, uint8_t separator, size_t count)
{
	struct row above;

	if (line == 0)
		return true;
	above = row_at(text, literal_line_start(text, line - 1), separator);
	return is_ruler(span_sub(text, above.start, above.end - above.start)) || count_cells(text, above) != count;
}

/* What parts the cells of the line in which the name stands; 0 for nothing. */
static uint8_t find_separator(struct span text, const struct assignment *name, size_t line)
{
	size_t at = literal_skip_blanks(text, name->end + (text.ptr[name->end] == '"'));

	if (text.ptr[name->end] == '\t')
		return '\t';
	if (at < text.len && is_separator(text.ptr[at]))
		return text.ptr[at];
	for (at = name->start; at > line; at--) {
		if (is_separator(text.ptr[at - 1]))
			return text.ptr[at - 1];
	}
	return 0;
}

/* A row below a ruler may be the header of one more table with as many columns, which hold secrets from there on. */
static void add_columns(struct span text, struct row row, struct columns *columns)
{
	struct columns more;

	if (row.end - row.start > TABLE_MAX_HEADER || !read_columns(text, row, &more))
		return;
	for (size_t i = 0; i < columns->count; i++) {
		if (columns->labels[i] == NULL)
			columns->labels[i] = more.labels[i];
	}
}

/* Returns where the table ends whose header ends at `end`. */
static size_t read_rows(struct span text, size_t end, uint8_t separator, struct columns *columns, struct findings *findings)
{
	bool is_below_ruler = false;

	while (end < text.len) {
		size_t line = end + 1, line_end = literal_line_end(text, line);
		struct row row = row_at(text, line, separator);

		if (is_ruler(span_sub(text, line, line_end - line))) {
			is_below_ruler = true;
		} else {
			if (line >= text.len || count_cells(text, row) != columns->count)
				return line;
			add_cells(text, row, columns, findings);
			if (is_below_ruler)
				add_columns(text, row, columns);
			is_below_ruler = false;
		}
		end = line_end;
	}
	return text.len;
}

void table_find(struct span text, const struct assignment *name, struct table_memo *memo, struct findings *findings)
{
	size_t line = literal_line_start(text, name->start), end = literal_line_end(text, line), *done;
	uint8_t separator = find_separator(text, name, line);
	struct columns columns;

	if (separator == 0 || end - line > TABLE_MAX_HEADER)
		return;
	done = &memo->done[chars_find(span_of(separators, sizeof separators), separator, 0)];
	if (line < *done || !read_columns(text, row_at(text, line, separator), &columns) || name->start < columns.first ||
	    name->start >= columns.first_end || !is_first_row(text, line, separator, columns.count))
		return;
	*done = read_rows(text, end, separator, &columns, findings);
}

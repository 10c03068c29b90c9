#include "shared/redact/insert.h"

#include "shared/redact/chars.h"
#include "shared/redact/keyname.h"
#include "shared/redact/literal.h"
#include "shared/redact/value.h"

enum { MAX_LIST = 1024, MAX_COLUMNS = 64, MAX_ROWS = 64 * 1024 };

/* What each column's secret is called, NULL for none. */
struct columns {
	const char *labels[MAX_COLUMNS];
	size_t count;
	bool any;
};

/* Reads the names backwards, from the bracket that closes their list to the one that opens it. */
static bool read_columns(struct span text, size_t close, struct columns *ret_columns)
{
	size_t least = close > MAX_LIST ? close - MAX_LIST : 0, open = close;
	struct span rest;

	*ret_columns = (struct columns){ 0 };
	while (open > least && text.ptr[open - 1] != '(' && text.ptr[open - 1] != ')')
		open--;
	if (open == least || text.ptr[open - 1] != '(')
		return false;
	for (rest = span_sub(text, open, close - open); rest.len > 0 && ret_columns->count < MAX_COLUMNS;) {
		size_t comma = chars_find(rest, ',', 0);
		const char *label;

		if (keyname_judge(span_sub(rest, 0, comma), &label) == KEY_STRONG) {
			ret_columns->labels[ret_columns->count] = label;
			ret_columns->any = true;
		}
		ret_columns->count++;
		rest = span_sub(rest, comma + 1, rest.len);
	}
	return ret_columns->any;
}

static void add(struct span text, size_t start, size_t end, const char *label, struct findings *findings)
{
	struct span value = span_sub(text, start, end - start);

	if (label != NULL && !value_is_placeholder(value) && !span_eq(value, SPAN_LIT("\\N")))
		findings_add(findings, (struct finding){ .start = start,
		                                         .end = end,
		                                         .rank = FINDING_KEY,
		                                         .label = label,
		                                         .rule = "table-column" });
}

/* Behind the value at `at`, which a comma or the bracket of its row ends. */
static size_t read_value(struct span text, size_t at, const char *label, struct findings *findings)
{
	struct literal value = literal_read(text, at);

	if (value.quoted)
		add(text, value.start, value.end, label, findings);
	for (at = value.quoted ? value.next : at; at < text.len && memchr(",)\n", text.ptr[at], 3) == NULL; at++)
		continue;
	return at;
}

/* ('bob', 'x'), ('eve', 'y') */
static size_t read_rows(struct span text, size_t at, const struct columns *columns, struct findings *findings)
{
	for (;;) {
		size_t open = literal_skip_space(text, at), column = 0;

		if (open >= text.len || text.ptr[open] != '(')
			return at;
		for (at = open; at < text.len && text.ptr[at] != ')' && column < columns->count; column++) {
			size_t start = literal_skip_space(text, at + 1);

			at = read_value(text, start, columns->labels[column], findings);
			if (at < text.len && text.ptr[at] == '\n')
				return at;
		}
		if (at >= text.len || text.ptr[at] != ')')
			return at;
		at = literal_skip_space(text, at + 1);
		if (at >= text.len || text.ptr[at] != ',')
			return at;
		at++;
	}
}

/* Lines of cells with tabs between them, to the one that holds "\." alone. */
static size_t read_lines(struct span text, size_t line, const struct columns *columns, struct findings *findings)
{
	while (line < text.len && !span_starts_with(span_sub(text, line, 2), SPAN_LIT("\\."))) {
		size_t end = literal_line_end(text, line), start = line;

		for (size_t column = 0; column < columns->count && start <= end; column++) {
			size_t tab = chars_find(span_sub(text, 0, end), '\t', start);

			/* A line without enough cells is no row. */
			if (tab == end && column + 1 < columns->count)
				return line;
			add(text, start, tab, columns->labels[column], findings);
			start = tab + 1;
		}
		line = end + 1;
	}
	return line < text.len ? line : text.len;
}

void insert_find(struct span text, size_t at, struct findings *findings, size_t *ret_end)
{
	struct span window = span_sub(text, 0, at + MAX_ROWS);
	size_t word = literal_skip_space(text, at + 1);
	struct columns columns;

	*ret_end = at + 1;
	if (!read_columns(text, at, &columns))
		return;
	if (span_eq_nocase(span_sub(text, word, 6), SPAN_LIT("VALUES")))
		*ret_end = read_rows(window, word + 6, &columns, findings);
	else
		*ret_end = read_lines(window, literal_line_end(text, at) + 1, &columns, findings);
}

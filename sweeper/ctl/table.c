#include "sweeper/ctl/table.h"

#include <assert.h>

/* All captures that one list may show, with room for every field at its limit. */
enum { TABLE_MAX_BYTES = 64 * 1024 * 1024 };

void table_init(struct table *table, const char *const *heads, size_t columns)
{
	assert(columns > 0 && columns <= TABLE_MAX_COLUMNS);
	table->columns = columns;
	buf_init(&table->bytes, TABLE_MAX_BYTES);
	buf_init(&table->colors, TABLE_MAX_BYTES);
	for (size_t i = 0; i < columns; i++)
		table_add(table, STYLE_DIM, span_cstr(heads[i]));
}

void table_done(struct table *table)
{
	buf_done(&table->bytes);
	buf_done(&table->colors);
}

void table_add(struct table *table, enum style_color color, struct span text)
{
	/* Made printable at once, so that no cell can hold the NUL that ends it. */
	style_put_field(text, &table->bytes);
	buf_append_byte(&table->bytes, '\0');
	buf_append_byte(&table->colors, (uint8_t)color);
}

static struct span next_cell(struct span *rest)
{
	struct span cell = span_sub(*rest, 0, span_find(*rest, span_of("", 1), 0));

	*rest = span_sub(*rest, cell.len + 1, rest->len);
	return cell;
}

static void measure(const struct table *table, size_t ret_widths[static TABLE_MAX_COLUMNS])
{
	struct span rest = buf_span(&table->bytes);

	memset(ret_widths, 0, TABLE_MAX_COLUMNS * sizeof ret_widths[0]);
	for (size_t i = 0; i < table->colors.len; i++) {
		size_t width = style_field_width(next_cell(&rest));

		if (width > ret_widths[i % table->columns])
			ret_widths[i % table->columns] = width;
	}
}

enum status table_render(const struct table *table, const struct style *style, struct buf *out)
{
	size_t widths[TABLE_MAX_COLUMNS];
	struct span rest = buf_span(&table->bytes);

	if (buf_status(&table->bytes) != STATUS_OK || buf_status(&table->colors) != STATUS_OK)
		return STATUS_NO_MEMORY;
	measure(table, widths);
	for (size_t i = 0; i < table->colors.len; i++) {
		struct span cell = next_cell(&rest);
		size_t column = i % table->columns;

		style_put_colored(style, (enum style_color)table->colors.ptr[i], cell, out);
		if (column + 1 == table->columns) {
			buf_append_byte(out, '\n');
			continue;
		}
		for (size_t pad = style_field_width(cell); pad < widths[column] + 2; pad++)
			buf_append_byte(out, ' ');
	}
	return buf_status(out);
}

/*
 * table: aligned columns under a head line, as wide as their widest cell.
 *
 * Owner frees with table_done. Thread: one at a time.
 */
#ifndef RESCUE_SWEEPER_CTL_TABLE_H
#define RESCUE_SWEEPER_CTL_TABLE_H

#include "sweeper/ctl/style.h"

enum { TABLE_MAX_COLUMNS = 8 };

struct table {
	size_t columns;
	struct buf bytes;  /* the cells' texts, each with its NUL */
	struct buf colors; /* one byte a cell */
};

/* `heads` are `columns` texts. */
void table_init(struct table *table, const char *const *heads, size_t columns);
void table_done(struct table *table);

/* Cells go row by row; a text may hold anything (it is printed by style_put_field). */
void table_add(struct table *table, enum style_color color, struct span text);

enum status table_render(const struct table *table, const struct style *style, struct buf *out);

#endif

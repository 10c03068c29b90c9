/*
 * rows: the answer to one statement. Columns come in binary form and are text, bigint or bytea, by the statement's own
 * casts. Only used inside ledger/.
 *
 * What the functions give is borrowed from the rows. Thread: one at a time.
 */
#ifndef RESCUE_SWEEPER_LEDGER_ROWS_H
#define RESCUE_SWEEPER_LEDGER_ROWS_H

#include <libpq-fe.h>

#include "shared/span.h"

struct rows {
	PGresult *result; /* NULL: no answer */
};

#define ROWS_AUTO __attribute__((cleanup(rows_done))) struct rows

void rows_done(struct rows *rows);

int rows_count(const struct rows *rows);
/* How many rows a statement without answer changed. */
int64_t rows_changed(const struct rows *rows);
bool rows_is_null(const struct rows *rows, int row, int column);
/* Text or bytea; NULL gives the empty span. */
struct span rows_span(const struct rows *rows, int row, int column);
/* Text as a C string; NULL gives "". */
const char *rows_cstr(const struct rows *rows, int row, int column);
/* NULL gives 0. */
int64_t rows_int(const struct rows *rows, int row, int column);
/* Cut at the size, which counts the NUL. */
void rows_copy(const struct rows *rows, int row, int column, char *ret_text, size_t size);

#endif

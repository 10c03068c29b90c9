#include "sweeper/ledger/rows.h"

#include <assert.h>

void rows_done(struct rows *rows)
{
	PQclear(rows->result);
	rows->result = NULL;
}

int rows_count(const struct rows *rows)
{
	return PQntuples(rows->result);
}

int64_t rows_changed(const struct rows *rows)
{
	struct span text = span_cstr(PQcmdTuples(rows->result));
	uint64_t count;

	return span_to_u64(text, &count) ? (int64_t)count : 0;
}

bool rows_is_null(const struct rows *rows, int row, int column)
{
	return PQgetisnull(rows->result, row, column) != 0;
}

struct span rows_span(const struct rows *rows, int row, int column)
{
	return span_of(PQgetvalue(rows->result, row, column), (size_t)PQgetlength(rows->result, row, column));
}

/* libpq keeps a NUL behind every value. */
const char *rows_cstr(const struct rows *rows, int row, int column)
{
	return PQgetvalue(rows->result, row, column);
}

int64_t rows_int(const struct rows *rows, int row, int column)
{
	struct span bytes = rows_span(rows, row, column);
	uint64_t number = 0;

	if (rows_is_null(rows, row, column))
		return 0;
	assert(bytes.len == sizeof number);
	for (size_t i = 0; i < bytes.len; i++)
		number = number << 8 | bytes.ptr[i];
	return (int64_t)number;
}

void rows_copy(const struct rows *rows, int row, int column, char *ret_text, size_t size)
{
	struct span text = span_sub(rows_span(rows, row, column), 0, size - 1);

	if (text.len > 0)
		memcpy(ret_text, text.ptr, text.len);
	ret_text[text.len] = '\0';
}

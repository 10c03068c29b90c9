/*
 * table: secrets in a column whose first line says what they are: comma-separated values with a header, and tables as
 * psql and mysql draw them.
 *
 * Pure functions; thread: any.
 */
#ifndef RESCUE_SHARED_REDACT_TABLE_H
#define RESCUE_SHARED_REDACT_TABLE_H

#include "shared/redact/finding.h"
#include "shared/redact/verdict.h"

/* A first look: what stands right before and behind the name could be the ends of a cell, or of a word in its title. */
static inline bool table_may_end(struct span text, const struct assignment *name)
{
	size_t at = name->end;
	uint8_t c = at < text.len ? text.ptr[at] : 0, next = at + 1 < text.len ? text.ptr[at + 1] : 0;
	uint8_t before = name->start > 0 ? text.ptr[name->start - 1] : '\n';

	if (c == '"')
		return before == '"' && (next == ',' || next == ';' || next == '\r' || next == '\n');
	if (c == ' ')
		return before == ' ' && (next == '|' || next == ' ' || next == '\n');
	/* In a sentence a blank follows the comma. */
	if (before == ' ' && name->start > 1 && text.ptr[name->start - 2] == ',')
		return false;
	return (c == ',' || c == ';' || c == '\t' || c == '|' || c == '\n' || c == '\r') && next != ' ' &&
	       (before == ' ' || before == ',' || before == ';' || before == '\t' || before == '|' || before == '\n');
}

/* A longer line is no header. */
enum { TABLE_MAX_HEADER = 1024 };

/* A second look, where table_may_end() is: what stands around the name could be a cell. */
bool table_is_possible(struct span text, const struct assignment *name);

enum { TABLE_SEPARATORS = 4 };

/* For each separator, how far tables have been read: no line is read twice, however many headers a table has. */
struct table_memo {
	size_t done[TABLE_SEPARATORS];
};

/* When the name stands in the first cell of a header that speaks of a secret: adds the cells below all such cells. */
void table_find(struct span text, const struct assignment *name, struct table_memo *memo, struct findings *findings);

#endif

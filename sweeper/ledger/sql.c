#include "sweeper/ledger/sql.h"

/* Defined in the file that embed.cmake makes of the .sql files. */
#define DECLARE(id, name, mode) extern const char sql_text_##name[];
SQL_LIST(DECLARE)
extern const char sql_text_migration_001_captures[];
extern const char sql_text_migration_002_adopt_external[];
extern const char sql_text_migration_003_enrolment[];
extern const char sql_text_migration_004_ticket_keys[];
extern const char sql_text_migration_005_console[];
extern const char sql_text_migration_006_refused[];
extern const char sql_text_migration_007_forget[];

struct statement {
	const char *name;
	const char *text;
	enum sql_mode mode;
};

#define ROW(id, name, mode) [id] = { #name, sql_text_##name, mode },
static const struct statement statements[SQL_COUNT] = { SQL_LIST(ROW) };

const char *const sql_migrations[] = {
	sql_text_migration_001_captures,
	sql_text_migration_002_adopt_external,
	sql_text_migration_003_enrolment,
	sql_text_migration_004_ticket_keys,
	sql_text_migration_005_console,
	sql_text_migration_006_refused,
	sql_text_migration_007_forget,
};
const size_t sql_migration_count = sizeof sql_migrations / sizeof sql_migrations[0];

const char *sql_name(enum sql sql)
{
	return statements[sql].name;
}

enum sql_mode sql_mode(enum sql sql)
{
	return statements[sql].mode;
}

void sql_fill(enum sql sql, const char *workspaces, const char *structure_events, struct buf *out)
{
	static const struct span marks[] = { SPAN_LIT("{workspaces}"), SPAN_LIT("{structure_events}") };
	const char *const tables[] = { workspaces, structure_events };
	struct span text = span_cstr(statements[sql].text);

	for (;;) {
		size_t at = text.len;
		size_t mark = 0;

		for (size_t i = 0; i < 2; i++) {
			size_t found = span_find(text, marks[i], 0);

			if (found < at) {
				at = found;
				mark = i;
			}
		}
		buf_append_span(out, span_sub(text, 0, at));
		if (at == text.len)
			return;
		buf_append_cstr(out, tables[mark]);
		text = span_sub(text, at + marks[mark].len, text.len);
	}
}

static void append_quoted(struct buf *out, struct span name)
{
	buf_append_byte(out, '"');
	for (size_t i = 0; i < name.len; i++) {
		uint8_t byte = name.ptr[i];

		if (byte == '"')
			buf_append_byte(out, '"');
		buf_append_byte(out, byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte - 'A' + 'a') : byte);
	}
	buf_append_byte(out, '"');
}

void sql_quote_tables(const char *table, struct buf *ret_workspaces, struct buf *ret_structure_events)
{
	struct span name = span_cstr(table);
	size_t dot = span_find(name, SPAN_LIT("."), 0);

	if (dot < name.len) {
		append_quoted(ret_workspaces, span_sub(name, 0, dot));
		buf_append_byte(ret_workspaces, '.');
		append_quoted(ret_structure_events, span_sub(name, 0, dot));
		buf_append_byte(ret_structure_events, '.');
		name = span_sub(name, dot + 1, name.len);
	}
	append_quoted(ret_workspaces, name);
	append_quoted(ret_structure_events, SPAN_LIT("structure_events"));
}

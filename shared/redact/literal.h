/*
 * literal: where a value that follows a name begins and ends, in whatever notation it is written.
 *
 * Pure functions; thread: any.
 */
#ifndef RESCUE_SHARED_REDACT_LITERAL_H
#define RESCUE_SHARED_REDACT_LITERAL_H

#include "shared/span.h"

/* A line longer than this counts as several, so that no search costs more than a fixed amount. */
enum { LITERAL_MAX = 64 * 1024, LITERAL_MAX_BACK = 1024, LITERAL_MAX_BARE = 4096, LITERAL_MAX_WORD = 256 };

struct literal {
	size_t start; /* the value itself, without quotes */
	size_t end;
	size_t next;  /* behind the closing quote */
	bool quoted;
	bool closed;  /* false: the closing quote is missing and the value is taken to the end of the line */
};

/* Offset of the next '\n', of the end, or at + LITERAL_MAX. */
size_t literal_line_end(struct span text, size_t at);

/* Offset of the first byte of the line, or at - LITERAL_MAX_BACK. */
size_t literal_line_start(struct span text, size_t at);

/*
 * Nothing stands before `at` on its line but what may stand before the name of a setting: list dashes, "export", shell
 * trace signs, comment signs.
 */
bool literal_starts_setting(struct span text, size_t at);

/* Skips blanks and backslash-newline. */
size_t literal_skip_blanks(struct span text, size_t at);

/* Skips blanks and newlines, also those written as \n or \r\n inside a quoted text. */
size_t literal_skip_space(struct span text, size_t at);

/* Skips the length that PHP's var_dump writes before a text: string(12) "…". */
size_t literal_skip_length(struct span text, size_t at);

/*
 * Bytes of an opening or closing quote at `at`: any number of backslashes and one of " ' ` — as in JSON inside
 * JSON. 0 when there is none.
 */
size_t literal_quote_len(struct span text, size_t at);

/* Bytes of the quote that ends right before `at`. */
size_t literal_quote_len_before(struct span text, size_t at);

/* Offset of the next quote that is written exactly as the `quote_len` bytes before `from`, on the same line. */
size_t literal_close(struct span text, size_t from, size_t quote_len, bool *ret_closed);

/* Reads a quoted value or a bare word. */
struct literal literal_read(struct span text, size_t at);

/*
 * Where the value really ends, if literal_read() stopped because of its length. To be asked only about what is masked
 * and then passed over: it may look at the whole text.
 */
size_t literal_full_end(struct span text, const struct literal *literal);

/* A quoted value whose quote is not closed on its line: to where it is closed, if that is near. */
struct literal literal_lines(struct span text, struct literal value);

/* The lines of the heredoc that begins on the line of `value`; `value` itself when none does. */
struct literal literal_heredoc(struct span text, struct literal value);

/* Lines that stand deeper than the line of `key_at` (YAML block scalar). Empty when there are none. */
struct literal literal_block(struct span text, size_t key_at, size_t line_end);

#endif

/*
 * view: a text as it reads once colour codes are taken out or escapes are resolved, with the way back: what is
 * found in the view is masked in the source.
 *
 * Errors stick. A view belongs to one thread.
 */
#ifndef RESCUE_SHARED_REDACT_VIEW_H
#define RESCUE_SHARED_REDACT_VIEW_H

#include "shared/buf.h"

struct view_piece;

struct view {
	struct buf text;
	struct view_piece *pieces;
	size_t count;
	size_t cap;
	enum status failed;
};

void view_init(struct view *view, size_t max_bytes);
/* Wipes what it holds. */
void view_done(struct view *view);

/* Behind one letter after the other stands U+FFFD: UTF-16, whose NULs were replaced. */
bool view_is_spread(struct span text);

/* `source` without U+FFFD and terminal escape sequences (ECMA-48), raw or written as \u001b[, \x1b[, \033[ or \e[. */
void view_strip_colours(struct view *view, struct span source);

/* `source` with %XX, \u00XX and HTML's entities resolved. */
void view_resolve_escapes(struct view *view, struct span source);

/* `source`, which stands in quotes, with \n, \t, \r, \" and \\ as what they stand for. */
void view_resolve_lines(struct view *view, struct span source);

/* `source` with blanks that do not break and full-width signs as in ASCII, and without signs of no width. */
void view_fold_signs(struct view *view, struct span source);

/* Where the byte at `at` of the view stands in the source, and where its last byte ends. */
size_t view_source_start(const struct view *view, size_t at);
size_t view_source_end(const struct view *view, size_t end);

#endif

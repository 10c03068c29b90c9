/*
 * style: how text from bundles reaches a terminal: coloured where that helps, and never as commands to it.
 *
 * A bundle's content comes from a box that may be hostile. Escape sequences, other control bytes and the marks that
 * reorder text are shown in writing ("\x1b", "\u202e") on a terminal; into a pipe the content goes unchanged.
 * Pure. Thread: any.
 */
#ifndef RESCUE_SWEEPER_CTL_STYLE_H
#define RESCUE_SWEEPER_CTL_STYLE_H

#include "shared/buf.h"

struct style {
	bool terminal; /* stdout is one */
	bool color;    /* and colour is wanted */
};

enum style_color {
	STYLE_PLAIN,
	STYLE_BOLD,
	STYLE_DIM,
	STYLE_RED,
	STYLE_GREEN,
	STYLE_YELLOW,
	STYLE_MARK, /* a redaction */
};

/* For the file descriptor of stdout; NO_COLOR (when not empty) and TERM=dumb switch colour off. */
struct style style_detect(int fd);

/* Nothing when colour is off. */
void style_begin(const struct style *style, enum style_color color, struct buf *out);
void style_end(const struct style *style, enum style_color color, struct buf *out);

/* A short text on one line: everything that is not printable, newlines too, in writing, terminal or not. */
void style_put_field(struct span text, struct buf *out);
/* The same in a colour. */
void style_put_colored(const struct style *style, enum style_color color, struct span text, struct buf *out);

/*
 * A section's content. Into a pipe it goes as it is; on a terminal it is made harmless, with the redactions marked.
 * Ends with a newline unless it is empty.
 */
void style_put_content(const struct style *style, struct span content, struct buf *out);

/* How many columns style_put_field takes for it, counting each code point as one. */
size_t style_field_width(struct span text);

#endif

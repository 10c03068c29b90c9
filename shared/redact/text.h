/*
 * text: the two kinds of text, and why they are two.
 *
 * `struct raw_text` is bytes as they were found on a box; `struct clean_text` is text that the redactor
 * vouches for. They are different types, only redact/ makes a clean_text, and everything that leaves the box
 * takes only that one, so that skipping the redaction does not compile.
 *
 * Ownership: both own their bytes. raw_text is wiped when it is freed.
 * Thread: a text belongs to one thread at a time.
 */
#ifndef RESCUE_SHARED_REDACT_TEXT_H
#define RESCUE_SHARED_REDACT_TEXT_H

#include "shared/buf.h"

struct raw_text {
	struct buf bytes;
	/*
	 * The first context_len bytes stood before the part that was asked for (a tail's cut). The redactor looks
	 * at them, so that a key whose BEGIN line was cut off is still recognised, and never gives them out.
	 */
	size_t context_len;
};

struct clean_text; /* made by redact.h only */

void raw_text_init(struct raw_text *text, size_t max_bytes);
void raw_text_done(struct raw_text *text);

/* Valid UTF-8 without NUL. Borrowed from `text`. */
struct span clean_text_span(const struct clean_text *text);
/* How many places were masked. */
size_t clean_text_redactions(const struct clean_text *text);
void clean_text_free(struct clean_text *text);

#endif

/*
 * redactor: what redact.c and stream.c share: the redaction of one window of a text. Not for anyone else.
 */
#ifndef RESCUE_SHARED_REDACT_REDACTOR_H
#define RESCUE_SHARED_REDACT_REDACTOR_H

#include "shared/redact/clean.h"

struct redactor_window {
	struct span text;    /* valid UTF-8 */
	size_t context_len;  /* seen, not written */
	size_t end;          /* what follows is seen, not written */
	size_t first_line;   /* behind the context, for the receipt */
	bool is_whole;       /* this is all of the text there is */
	bool is_piece;       /* what stands around it is given out as well, before or after */
	struct redact_tags *tags;
};

/*
 * Appends the window, redacted, to `clean`, which is empty. *ret_end is where it stopped: window->end, or elsewhere so
 * that no finding is cut in two.
 */
enum status redactor_part(const struct redactor *redactor, const struct redactor_window *window, struct clean_text *clean,
                          size_t *ret_end);

/* Puts the words for `cause` into `err`; gives STATUS_WITHHELD. */
enum status redactor_withhold(struct err *err, enum status cause);

#endif

/*
 * loki_answer: what Loki's answer to a push means for what was pushed.
 *
 * Two of its habits shape this: a 400 or 429 can mean that a part was stored, and one status code covers a clock
 * that is wrong, a record that will never fit, and a configuration that will never work.
 * No I/O. Thread: any.
 */
#ifndef RESCUE_SWEEPER_SHIP_LOKI_ANSWER_H
#define RESCUE_SWEEPER_SHIP_LOKI_ANSWER_H

#include "shared/span.h"

enum loki_verdict {
	LOKI_STORED,        /* all of it */
	LOKI_LATER,         /* the same push may work later; perhaps it is to blame */
	LOKI_BUSY,          /* no push is wanted now; a part may be stored */
	LOKI_MISTIMED,      /* at least one timestamp is too old, too new, or too far behind its stream */
	LOKI_REFUSED,       /* at least one entry will never be taken as it is */
	LOKI_TOO_BIG,       /* the push as a whole, not an entry: push less at once */
	LOKI_MISCONFIGURED, /* nothing will be taken until somebody changes something */
};

struct loki_answer {
	enum loki_verdict verdict;
	const char *reason; /* our words, never Loki's: those could quote what was pushed */
};

/* `code` is the HTTP status, `body` the text that came with it. */
struct loki_answer loki_answer_read(int code, struct span body);

#endif

/*
 * finding: where in a text a secret stands, and who says so.
 *
 * A list collects from every finder in any order; findings_settle puts it in order and joins what overlaps, so
 * that each byte is masked at most once. Errors stick, as in buf.h.
 */
#ifndef RESCUE_SHARED_REDACT_FINDING_H
#define RESCUE_SHARED_REDACT_FINDING_H

#include "shared/status.h"

#include <stddef.h>

/* When findings overlap, the highest rank names the place. */
enum finding_rank {
	FINDING_BLOB,     /* looks random, nothing else is known about it */
	FINDING_ENCODED,  /* holds a secret once decoded */
	FINDING_SPOKEN,   /* a sentence calls it one: "using token k3…" */
	FINDING_FORMAT,   /* has the form of a known kind of credential */
	FINDING_KEY,      /* its key says that it is a secret */
	FINDING_BLOCK,    /* a private key block */
	FINDING_KNOWN,    /* one of the box's own values */
};

struct finding {
	size_t start;
	size_t end; /* behind the last byte */
	enum finding_rank rank;
	const char *label; /* both borrowed from the redactor or a literal */
	const char *rule;
};

struct findings {
	struct finding *items;
	size_t count;
	size_t cap;
	enum status failed;
};

void findings_done(struct findings *findings);
void findings_add(struct findings *findings, struct finding finding);
void findings_settle(struct findings *findings);

#endif

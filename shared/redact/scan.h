/*
 * scan: runs every finder over one text and collects what they find. The only place that knows them all; what is
 * encoded in the text is scanned in turn by layers.c.
 *
 * Pure apart from memory; thread: any.
 */
#ifndef RESCUE_SHARED_REDACT_SCAN_H
#define RESCUE_SHARED_REDACT_SCAN_H

#include "shared/redact/finding.h"
#include "shared/redact/known.h"
#include "shared/redact/ruleset.h"
#include "shared/span.h"

enum {
	SCAN_DEPTH = 4,                 /* three layers of encoding, and colour codes around one of them */
	SCAN_BUDGET = 8 * 1024 * 1024,  /* bytes that the layers of one text may come to */
};

struct scan_job {
	const struct ruleset *rules;
	struct known *known;
	struct span text;
	unsigned depth;   /* 0: the text itself */
	size_t *budget;   /* bytes of layers that may still be made; shared by all jobs of one text */
	struct findings *findings;
};

/*
 * Adds all secrets in the text to job->findings, settled. STATUS_NO_MEMORY, or STATUS_WITHHELD when a rule could not
 * be applied; then the list is not to be used.
 */
enum status scan_run(const struct scan_job *job);

#endif

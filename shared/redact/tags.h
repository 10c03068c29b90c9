/*
 * tags: a number for each secret of a capture, the same for the same bytes.
 *
 * Only keyed hashes are kept, the key is random and lives as long as the tags; neither leaves the process.
 * Thread: any; guarded by a lock.
 */
#ifndef RESCUE_SHARED_REDACT_TAGS_H
#define RESCUE_SHARED_REDACT_TAGS_H

#include "shared/redact/redact.h"

/* From 1 on. 0 when there is no memory for it: the mask then goes without a number. */
unsigned tags_number(struct redact_tags *tags, struct span secret);

#endif

/*
 * repeat: a value that was found by its name or its form, wherever else it stands in the same text: a shell's trace names
 * a password once and then hands it from one command to the next.
 *
 * Thread: any.
 */
#ifndef RESCUE_SHARED_REDACT_REPEAT_H
#define RESCUE_SHARED_REDACT_REPEAT_H

#include "shared/redact/finding.h"
#include "shared/span.h"

/* So many different values of one text are looked for again. */
enum { REPEAT_MAX_VALUES = 64 };

/* `findings` are settled, and are so again afterwards. STATUS_NO_MEMORY. */
enum status repeat_find(struct span text, struct findings *findings);

#endif

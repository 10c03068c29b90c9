/*
 * forms: the other spellings in which a value may stand in a text.
 *
 * Thread: any.
 */
#ifndef RESCUE_SHARED_REDACT_FORMS_H
#define RESCUE_SHARED_REDACT_FORMS_H

#include "shared/span.h"
#include "shared/status.h"

/*
 * Calls `each` for the value itself and for every spelling that differs from it: base64 in both alphabets and all
 * three alignments (without the characters at the ends that depend on what stands around), hexadecimal, percent
 * encoding once and twice, JSON up to three deep, HTML and shell escapes, base32 in either case, backwards, in capitals
 * and in small letters, and as a list of numbers. The bytes are borrowed for the call. Stops at the first failure and
 * returns it.
 */
enum status forms_each(struct span value, enum status (*each)(void *ctx, struct span form), void *ctx);

#endif

/*
 * mention: names of secrets that are only spoken of, so that what follows them is a sentence, another name or the text
 * of a manual, and no value.
 *
 * Pure functions; thread: any.
 */
#ifndef RESCUE_SHARED_REDACT_MENTION_H
#define RESCUE_SHARED_REDACT_MENTION_H

#include "shared/redact/verdict.h"

/* A word that follows "password:" or "token:" in messages, perhaps with a mark behind it. */
bool mention_word(struct span word);

/* Nothing is given to the name; `value` is what stands where it would be. */
bool mention_found(struct span text, const struct assignment *name, struct span value);

/*
 * What stands behind "cookie:" is a sentence: a header is made of pairs (RFC 6265, section 4.2.1), so that several words
 * without a sign are none.
 */
bool mention_of_cookies(struct span text, size_t at);

#endif

/*
 * value: what a piece of text looks like, judged by itself: random, a placeholder, or one of the many
 * identifiers that a reader needs and that are no secrets.
 *
 * Pure functions; thread: any.
 */
#ifndef RESCUE_SHARED_REDACT_VALUE_H
#define RESCUE_SHARED_REDACT_VALUE_H

#include "shared/span.h"

/* Shannon entropy of the bytes, in hundredths of a bit for each byte. */
unsigned value_entropy(struct span value);

/*
 * Stands where a secret would stand but is none: empty, "xxxx", "****", "<token>", "${TOKEN}", "%s", "null", an
 * earlier [REDACTED:…]. Words such as "changeit" are passwords in use and no placeholders, and nothing is one that
 * holds random characters: "<k2Jx9…>" is a password in brackets.
 */
bool value_is_placeholder(struct span value);

/* A word that says that there is no value, or what would stand there: "null", "true", "required". */
bool value_is_empty_word(struct span value);

/* Earlier masks and signs between them, nothing else. */
bool value_is_masked(struct span value);

/* Eight, four, four, four and twelve hexadecimal digits (RFC 9562). */
bool value_is_uuid(struct span value);

/* Hexadecimal digits only, as long as a digest, a commit or a container id: 12, 32, 40, 64, 96 or 128. */
bool value_is_digest(struct span value);

bool value_is_number(struct span value);

/* Letters only in the way of words: one case, or a capital first. */
bool value_is_word(struct span value);

/* Words and small numbers joined by signs, or words in camel case: what people call things. */
bool value_is_identifier(struct span value);

/* Somewhere in it stands what a machine made: then it is no sample of anything. */
bool value_holds_random(struct span value);

/* Made by a machine and not by a person: classes of characters mixed, entropy near what its length allows. */
bool value_is_random(struct span value);

#endif

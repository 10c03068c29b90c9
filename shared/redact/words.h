/*
 * words: whether a short word is one of a list, without regard to case.
 *
 * Pure functions; thread: any.
 */
#ifndef RESCUE_SHARED_REDACT_WORDS_H
#define RESCUE_SHARED_REDACT_WORDS_H

#include "shared/span.h"

/* Every listed word is shorter, so that so many bytes, padded with NUL, tell two words apart. */
enum { WORDS_LISTED = 16 };

/* Small letters, padded with NUL. Lists of them are in the order of their bytes, which tests/check-tree looks after. */
typedef char word_listed[WORDS_LISTED];

struct word_list {
	const word_listed *words;
	size_t count;
};

/* The list that an array is. */
#define WORD_LIST(array) ((struct word_list){ (array), sizeof(array) / sizeof *(array) })

/* Whether `word` is in the list; as it would stand there. */
bool words_hold(struct word_list list, const char word[static WORDS_LISTED]);

/* The same for a word as it stands in a text. */
bool words_hold_span(struct word_list list, struct span word);

#endif

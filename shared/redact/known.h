/*
 * known: the box's own secret values, found wherever they stand and in every form of forms.h; as they are also where
 * lines, quotes or signs of no width break them.
 *
 * Thread: filled by one thread; then any number may search. Its copies are wiped when it is freed.
 */
#ifndef RESCUE_SHARED_REDACT_KNOWN_H
#define RESCUE_SHARED_REDACT_KNOWN_H

#include "shared/redact/finding.h"
#include "shared/span.h"

enum { KNOWN_MIN_VALUE = 6 };

struct known;

/* NULL on out of memory. */
struct known *known_new(void);
void known_free(struct known *known);

/*
 * Values under KNOWN_MIN_VALUE bytes, placeholders and a few words that stand everywhere are ignored. `label` is a
 * literal. STATUS_TOO_LARGE beyond LIMIT_KNOWN_VALUES or LIMIT_KNOWN_VALUE_BYTES. After STATUS_NO_MEMORY every
 * search fails with it: a value that could not be kept could not be masked.
 */
enum status known_add(struct known *known, struct span value, const char *label);

size_t known_count(const struct known *known);

/* A NULL `known` finds nothing. */
enum status known_find_all(struct known *known, struct span text, struct findings *findings);

#endif

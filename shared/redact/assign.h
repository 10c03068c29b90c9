/*
 * assign: finds secrets by the name they are given: NAME=value, "name": "value", name: value, --name value,
 * <name>value</name>, name => value, name="…" value="…", in whatever nesting of quotes.
 *
 * Pure: bytes in, findings out. Thread: any.
 */
#ifndef RESCUE_SHARED_REDACT_ASSIGN_H
#define RESCUE_SHARED_REDACT_ASSIGN_H

#include "shared/redact/finding.h"
#include "shared/redact/ranges.h"
#include "shared/span.h"

enum { ASSIGN_MAX_NAME = 96 };

/*
 * Looks at the name around offset `at`, where one of keyname_stems() stands, and adds the value that it is
 * given, if that is a secret; a value that its name says is none goes to `public_parts`. *ret_end is where the
 * name ends, or the value when it is masked; nothing before it needs to be looked at again.
 */
void assign_find(struct span text, size_t at, struct findings *findings, struct ranges *public_parts, size_t *ret_end);

/*
 * The whole text is one environment assignment, NAME=value, whose value is all that `finding` covers, with at
 * most a newline behind it.
 */
bool assign_is_whole(struct span text, const struct finding *finding);

#endif

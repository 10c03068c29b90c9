/*
 * assign: finds secrets by the name they are given: NAME=value, "name": "value", name: value, --name value,
 * <name>value</name>, name => value, name="…" value="…", in whatever nesting of quotes.
 *
 * Pure: bytes in, findings out. Thread: any.
 */
#ifndef RESCUE_SHARED_REDACT_ASSIGN_H
#define RESCUE_SHARED_REDACT_ASSIGN_H

#include "shared/redact/finding.h"
#include "shared/redact/keyname.h"
#include "shared/redact/ranges.h"
#include "shared/redact/table.h"
#include "shared/span.h"

enum { ASSIGN_MAX_NAME = 96 };

struct assign_job {
	struct span text;
	struct keyname_memo *memo; /* of this text */
	struct table_memo *tables;  /* of this text */
	struct findings *findings;
	struct ranges *public_parts;
};

/*
 * Looks at the name around offset `at`, where one of keyname_stems() stands, and adds the value that it is
 * given, if that is a secret, to the findings; a value that its name says is none goes to the public parts. *ret_end is
 * where the name ends, or the value when it is masked; nothing before it needs to be looked at again.
 */
void assign_find(const struct assign_job *job, size_t at, size_t *ret_end);

/*
 * The whole text is one environment assignment, NAME=value, whose value is all that `finding` covers, with at
 * most a newline behind it.
 */
bool assign_is_whole(struct span text, const struct finding *finding);

#endif

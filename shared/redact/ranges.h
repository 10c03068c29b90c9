/*
 * ranges: parts of a text that are known to be public, so that what looks random in them is left alone.
 * Added in rising order; what overlaps an earlier one is cut off. Errors stick.
 */
#ifndef RESCUE_SHARED_REDACT_RANGES_H
#define RESCUE_SHARED_REDACT_RANGES_H

#include <stdbool.h>
#include <stddef.h>

#include "shared/status.h"

struct range {
	size_t start;
	size_t end;
};

struct ranges {
	struct range *items;
	size_t count;
	size_t cap;
	enum status failed;
};

void ranges_done(struct ranges *ranges);
void ranges_add(struct ranges *ranges, size_t start, size_t end);
bool ranges_hold(const struct ranges *ranges, size_t at);

#endif

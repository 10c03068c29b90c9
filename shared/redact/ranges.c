#include "shared/redact/ranges.h"

#include <stdlib.h>

enum { FIRST_CAP = 8 };

void ranges_done(struct ranges *ranges)
{
	free(ranges->items);
	*ranges = (struct ranges){ 0 };
}

void ranges_add(struct ranges *ranges, size_t start, size_t end)
{
	if (ranges->failed != STATUS_OK || start >= end)
		return;
	if (ranges->count > 0 && start < ranges->items[ranges->count - 1].end)
		start = ranges->items[ranges->count - 1].end;
	if (start >= end)
		return;
	if (ranges->count == ranges->cap) {
		size_t cap = ranges->cap == 0 ? FIRST_CAP : ranges->cap * 2;
		struct range *items = reallocarray(ranges->items, cap, sizeof *items);

		if (items == NULL) {
			ranges->failed = STATUS_NO_MEMORY;
			return;
		}
		ranges->items = items;
		ranges->cap = cap;
	}
	ranges->items[ranges->count++] = (struct range){ start, end };
}

bool ranges_hold(const struct ranges *ranges, size_t at)
{
	size_t low = 0, high = ranges->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ranges->items[middle].end <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low < ranges->count && ranges->items[low].start <= at;
}

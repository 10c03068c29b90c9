/*
 * broken: a value that something stands in between of: the end of a line, quotes of its pieces, signs of no width.
 *
 * A long value is cut into pieces, of which one stays whole when it is broken fewer times than there are pieces. Where a
 * piece is found, the rest is compared with what stands around it.
 *
 * Pure functions; thread: any.
 */
#ifndef RESCUE_SHARED_REDACT_BROKEN_H
#define RESCUE_SHARED_REDACT_BROKEN_H

#include "shared/span.h"

enum { BROKEN_MAX_PIECES = 8 };

/* How many pieces it is cut into; 0 when it is too short. */
uint32_t broken_pieces(struct span value);
struct span broken_piece(struct span value, uint32_t number);

/*
 * Piece `number` stands at *start in `text`: whether the whole value stands around it, broken or not. Then *start and
 * *ret_end are moved to where it begins and ends.
 */
bool broken_match(struct span value, uint32_t number, struct span text, size_t *start, size_t *ret_end);

#endif

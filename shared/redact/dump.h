/*
 * dump: the bytes that xxd, hexdump and od show, read back from their lines.
 *
 * Pure functions; thread: any.
 */
#ifndef RESCUE_SHARED_REDACT_DUMP_H
#define RESCUE_SHARED_REDACT_DUMP_H

#include "shared/buf.h"

/*
 * The number at the start of a dump's line holds the byte at `at`: appends what that line and the following ones show,
 * to *ret_start where the first byte of them stands, and to *ret_end where their last line ends. False when it is no dump;
 * what is longer than bytes->max is read so far.
 */
bool dump_read(struct span text, size_t at, struct buf *bytes, size_t *ret_start, size_t *ret_end);

#endif

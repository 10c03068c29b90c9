/*
 * gzip: whole-buffer gzip (RFC 1952). The only file that knows zlib is gzip.c.
 *
 * Thread: any; nothing is shared.
 */
#ifndef RESCUE_SHARED_GZIP_H
#define RESCUE_SHARED_GZIP_H

#include "shared/buf.h"

/* Appends `plain` as one gzip member; the same input gives the same bytes (no time, no name). */
enum status gzip_compress(struct span plain, struct buf *out);

/*
 * Appends what one gzip member holds. Output beyond out->max is STATUS_TOO_LARGE as soon as it is reached, so a
 * bomb costs no more than the cap; damage, a missing end, or bytes behind the member are STATUS_INVALID.
 */
enum status gzip_expand(struct span packed, struct buf *out);

/* The same for a zlib stream (RFC 1950). */
enum status gzip_expand_zlib(struct span packed, struct buf *out);

#endif

/*
 * decode: what base64 and hexadecimal text stands for (RFC 4648).
 *
 * Pure functions; thread: any.
 */
#ifndef RESCUE_SHARED_REDACT_DECODE_H
#define RESCUE_SHARED_REDACT_DECODE_H

#include "shared/buf.h"

enum decode_kind { DECODE_BASE64, DECODE_HEX };

/* Decodes up to the first byte that does not belong, and no more than `max` bytes. Either base64 alphabet. */
void decode_append(enum decode_kind kind, struct span encoded, size_t max, struct buf *out);

enum decode_packing { DECODE_PLAIN, DECODE_GZIP, DECODE_ZLIB, DECODE_WIDE };

/* What decoded bytes begin like; a few texts begin like a zlib stream. DECODE_WIDE is ASCII as UTF-16 (little-endian). */
enum decode_packing decode_packing(struct span bytes);

/* The decoded bytes begin like text or like one of these: worth decoding in full. */
bool decode_is_promising(enum decode_kind kind, struct span encoded);

/* The first of the decoded bytes, as many as there are, are text. */
bool decode_begins_text(enum decode_kind kind, struct span encoded);

/* How many bytes the encoded text stands for when all of it belongs. */
size_t decode_len(enum decode_kind kind, struct span encoded);

/* Words or JSON, which scanning decides on, and no word among them that may be a password. */
bool decode_is_readable(struct span plain);

#endif

/*
 * utf8: bytes of any kind in, valid UTF-8 without NUL out (RFC 3629).
 */
#ifndef RESCUE_SHARED_REDACT_UTF8_H
#define RESCUE_SHARED_REDACT_UTF8_H

#include "shared/buf.h"

/* Length of the prefix of `text` that is valid UTF-8 and holds no NUL. */
size_t utf8_valid_len(struct span text);

/*
 * Appends `text`; every byte that belongs to no valid sequence, and every NUL, becomes U+FFFD.
 * Overlong forms, surrogates and code points beyond U+10FFFF are not valid.
 */
void utf8_repair(struct span text, struct buf *out);

#endif

/*
 * digest: SHA-256 (FIPS 180-4). Thread: any.
 */
#ifndef RESCUE_SHARED_TLS_DIGEST_H
#define RESCUE_SHARED_TLS_DIGEST_H

#include "shared/span.h"
#include "shared/status.h"

enum { DIGEST_HEX_SIZE = 65 }; /* 64 lower-case hexadecimal digits and the NUL */

struct digest; /* a running SHA-256 */

/* NULL on out of memory. */
struct digest *digest_new(void);
void digest_add(struct digest *digest, struct span bytes);
/* Ends and frees it. */
void digest_finish(struct digest *digest, char ret_hex[static DIGEST_HEX_SIZE]);
void digest_free(struct digest *digest);

void digest_hex(struct span bytes, char ret_hex[static DIGEST_HEX_SIZE]);

#endif

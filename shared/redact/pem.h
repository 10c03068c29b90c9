/*
 * pem: private key blocks (RFC 7468, RFC 4716, OpenSSH, PGP), whole or cut off at either end, on lines of their
 * own, behind log prefixes, or on one line with \n between. Public blocks are noted, so that they survive.
 *
 * Pure; thread: any.
 */
#ifndef RESCUE_SHARED_REDACT_PEM_H
#define RESCUE_SHARED_REDACT_PEM_H

#include "shared/redact/finding.h"
#include "shared/redact/ranges.h"
#include "shared/span.h"

enum { PEM_MAX_BLOCK = 64 * 1024 };

/* "BEGIN " stands at `at`. *ret_end is where the block ends, or behind the word when it is none. */
void pem_begin(struct span text, size_t at, struct findings *findings, struct ranges *public_parts, size_t *ret_end);

/* "END " stands at `at` and no block that began is open. */
void pem_end(struct span text, size_t at, struct findings *findings, struct ranges *public_parts);

#endif

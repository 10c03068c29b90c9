/*
 * random: bytes from the kernel (getrandom(2)), for jitter and names. Keys are made in shared/tls.
 *
 * Thread: any.
 */
#ifndef RESCUE_SHARED_RANDOM_H
#define RESCUE_SHARED_RANDOM_H

#include <stddef.h>
#include <stdint.h>

enum { RANDOM_UUID_SIZE = 37 }; /* 36 characters and the NUL */

void random_bytes(void *ret_bytes, size_t len);

/* Uniform in [0, bound); 0 when bound is 0. */
uint64_t random_below(uint64_t bound);

/* A version 4 UUID (RFC 9562), lower case. */
void random_uuid(char ret_text[static RANDOM_UUID_SIZE]);

/*
 * Full jitter: uniform in [0, min(cap_ms, base_ms * 2^attempt)), attempt counting from 0.
 * Spreads a crowd that failed at the same moment.
 */
uint64_t random_backoff_ms(unsigned attempt, uint64_t base_ms, uint64_t cap_ms);

#endif

#include "shared/random.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

void random_bytes(void *ret_bytes, size_t len)
{
	uint8_t *at = ret_bytes;

	while (len > 0) {
		ssize_t got = getrandom(at, len, 0);

		if (got < 0 && errno == EINTR)
			continue;
		/* Since Linux 3.17 getrandom cannot fail here; without randomness nothing safe can be done. */
		if (got <= 0)
			abort();
		at += got;
		len -= (size_t)got;
	}
}

uint64_t random_below(uint64_t bound)
{
	uint64_t value, skip;

	if (bound == 0)
		return 0;
	/* Values under 2^64 mod bound would favour small results. */
	skip = (UINT64_MAX - bound + 1) % bound;
	do {
		random_bytes(&value, sizeof value);
	} while (value < skip);
	return value % bound;
}

void random_uuid(char ret_text[static RANDOM_UUID_SIZE])
{
	uint8_t b[16];

	random_bytes(b, sizeof b);
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	(void)snprintf(ret_text, RANDOM_UUID_SIZE,
	               "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3],
	               b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

uint64_t random_backoff_ms(unsigned attempt, uint64_t base_ms, uint64_t cap_ms)
{
	uint64_t ceiling = cap_ms;

	if (attempt < 32 && (base_ms << attempt) < cap_ms)
		ceiling = base_ms << attempt;
	return random_below(ceiling);
}

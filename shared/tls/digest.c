#include "shared/tls/digest.h"

#include <stdlib.h>

#include <mbedtls/sha256.h>

enum { RAW_SIZE = 32 };

struct digest {
	mbedtls_sha256_context sha;
};

static void to_hex(const uint8_t raw[static RAW_SIZE], char ret_hex[static DIGEST_HEX_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < RAW_SIZE; i++) {
		ret_hex[2 * i] = digits[raw[i] >> 4];
		ret_hex[2 * i + 1] = digits[raw[i] & 15];
	}
	ret_hex[DIGEST_HEX_SIZE - 1] = '\0';
}

/*
 * The software SHA-256 that is built in cannot fail; the library's results exist for hardware that can. A digest
 * that is silently wrong would be worse than an end.
 */
static void must(int failed)
{
	if (failed != 0)
		abort();
}

struct digest *digest_new(void)
{
	struct digest *digest = calloc(1, sizeof *digest);

	if (digest == NULL)
		return NULL;
	mbedtls_sha256_init(&digest->sha);
	must(mbedtls_sha256_starts(&digest->sha, 0));
	return digest;
}

void digest_add(struct digest *digest, struct span bytes)
{
	if (bytes.len > 0)
		must(mbedtls_sha256_update(&digest->sha, bytes.ptr, bytes.len));
}

void digest_finish(struct digest *digest, char ret_hex[static DIGEST_HEX_SIZE])
{
	uint8_t raw[RAW_SIZE];

	must(mbedtls_sha256_finish(&digest->sha, raw));
	to_hex(raw, ret_hex);
	digest_free(digest);
}

void digest_free(struct digest *digest)
{
	if (digest == NULL)
		return;
	mbedtls_sha256_free(&digest->sha);
	free(digest);
}

void digest_hex(struct span bytes, char ret_hex[static DIGEST_HEX_SIZE])
{
	uint8_t raw[RAW_SIZE];

	must(mbedtls_sha256(bytes.len > 0 ? bytes.ptr : (const uint8_t *)"", bytes.len, raw, 0));
	to_hex(raw, ret_hex);
}

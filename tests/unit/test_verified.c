#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shared/tls/verified.h"

static void digest_of(unsigned number, uint8_t ret_digest[static PEER_DIGEST_BYTES])
{
	memset(ret_digest, 0, PEER_DIGEST_BYTES);
	for (size_t i = 0; i < 4; i++) {
		ret_digest[i] = (uint8_t)(number * 2654435761U >> (8 * i));
		ret_digest[28 + i] = (uint8_t)(number >> (8 * i));
	}
}

static void verified_certificates_count_until_they_end(void **state)
{
	struct verified verified;
	uint8_t one[PEER_DIGEST_BYTES], other[PEER_DIGEST_BYTES];

	(void)state;
	assert_int_equal(verified_init(&verified), STATUS_OK);
	digest_of(1, one);
	digest_of(1, other);
	other[31] ^= 1;
	assert_false(verified_has(&verified, one, 99));
	verified_add(&verified, one, 100);
	assert_true(verified_has(&verified, one, 99));
	assert_false(verified_has(&verified, other, 99));
	assert_false(verified_has(&verified, one, 100));
	verified_done(&verified);
}

static void verified_keeps_many_and_never_more_than_its_places(void **state)
{
	struct verified verified;
	uint8_t digest[PEER_DIGEST_BYTES];
	size_t kept = 0;

	(void)state;
	assert_int_equal(verified_init(&verified), STATUS_OK);
	for (unsigned i = 0; i < 4 * LIMIT_VERIFIED_CERTS; i++) {
		digest_of(i, digest);
		verified_add(&verified, digest, 100);
		assert_true(verified_has(&verified, digest, 0));
	}
	for (unsigned i = 0; i < 4 * LIMIT_VERIFIED_CERTS; i++) {
		digest_of(i, digest);
		kept += verified_has(&verified, digest, 0);
	}
	assert_true(kept <= LIMIT_VERIFIED_CERTS);
	assert_true(kept > LIMIT_VERIFIED_CERTS * 9 / 10);
	verified_done(&verified);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verified_certificates_count_until_they_end),
		cmocka_unit_test(verified_keeps_many_and_never_more_than_its_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

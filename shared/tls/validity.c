#include "shared/tls/validity.h"

#include "shared/clock.h"
#include "shared/tls/mbed.h"

bool validity_holds(const struct validity *peer, const struct validity *own, int64_t now_s)
{
	if (peer->from_s <= now_s && now_s <= peer->to_s)
		return true;
	if (own == NULL || (own->from_s <= now_s && now_s <= own->to_s))
		return false;
	return peer->from_s <= own->to_s && own->from_s <= peer->to_s;
}

int mbed_judge_validity(void *own, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
	const struct validity validity = { mbed_time_s(&crt->valid_from), mbed_time_s(&crt->valid_to) };
	int64_t now_s = clock_agreed_ns() / 1000000000;

	(void)depth;
	*flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
	if (!validity_holds(&validity, own, now_s))
		*flags |= now_s < validity.from_s ? MBEDTLS_X509_BADCERT_FUTURE : MBEDTLS_X509_BADCERT_EXPIRED;
	return 0;
}

#include "shared/tls/mbed.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <mbedtls/error.h>
#include <mbedtls/ssl.h>
#include <psa/crypto.h>

#include "shared/file.h"
#include "shared/tls/client.h"
#include "shared/tls/session.h"

/* RFC 5280 section 4.2.1.6: uniformResourceIdentifier is choice 6 of GeneralName. */
enum { SAN_URI = MBEDTLS_ASN1_CONTEXT_SPECIFIC | 6 };

const int mbed_suites[] = {
	MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
	MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
	MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	0,
};

enum status tls_global_init(struct err *err)
{
	psa_status_t failed = psa_crypto_init();

	if (failed != PSA_SUCCESS)
		return err_set(err, STATUS_SYSTEM, "the cryptographic library does not start (PSA error %d)", (int)failed);
	return STATUS_OK;
}

/* False when there is no such certificate: whoever presents it says why. */
static bool read_validity(const char *cert_file, struct validity *ret_validity)
{
	BUF_AUTO pem = BUF_INIT(LIMIT_CERT_FILE);
	mbedtls_x509_crt chain;
	bool is_read;

	mbedtls_x509_crt_init(&chain);
	is_read = cert_file != NULL && file_read(cert_file, &pem, NULL) == STATUS_OK &&
	          mbed_parse_crt(buf_span(&pem), &chain) == 0;
	if (is_read)
		*ret_validity = (struct validity){ mbed_time_s(&chain.valid_from), mbed_time_s(&chain.valid_to) };
	mbedtls_x509_crt_free(&chain);
	return is_read;
}

static int check_peer(void *ctx, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
	struct tls_client_check *check = ctx;

	(void)mbed_judge_validity(check->has_own ? &check->own : NULL, crt, depth, flags);
	return check->next != NULL ? check->next(check->next_ctx, crt, depth, flags) : 0;
}

void tls_client_strict(void *mbedtls_config, const char *own_cert_file, struct tls_client_check *check)
{
	/* The first one costs the gate a fifth less than mbedTLS's own first choice, X25519. */
	static const uint16_t groups[] = { MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1, MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
	                                   MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, 0 };
	mbedtls_ssl_config *config = mbedtls_config;

	check->has_own = read_validity(own_cert_file, &check->own);
	check->next = config->MBEDTLS_PRIVATE(f_vrfy);
	check->next_ctx = config->MBEDTLS_PRIVATE(p_vrfy);
	mbedtls_ssl_conf_verify(config, check_peer, check);
	mbedtls_ssl_conf_cert_profile(config, &mbedtls_x509_crt_profile_default);
	mbedtls_ssl_conf_ciphersuites(config, mbed_suites);
	mbedtls_ssl_conf_groups(config, groups);
}

int mbed_random(void *unused, unsigned char *ret_bytes, size_t len)
{
	(void)unused;
	return psa_generate_random(ret_bytes, len) == PSA_SUCCESS ? 0 : MBEDTLS_ERR_ERROR_GENERIC_ERROR;
}

enum status mbed_err(struct err *err, enum status status, int code, const char *fmt, ...)
{
	char words[128];
	va_list args;

	mbedtls_strerror(code, words, sizeof words);
	if (code == MBEDTLS_ERR_X509_ALLOC_FAILED || code == MBEDTLS_ERR_SSL_ALLOC_FAILED ||
	    code == MBEDTLS_ERR_PK_ALLOC_FAILED)
		status = STATUS_NO_MEMORY;
	if (err != NULL) {
		size_t len;

		va_start(args, fmt);
		(void)vsnprintf(err->text, sizeof err->text, fmt, args);
		va_end(args);
		len = strlen(err->text);
		(void)snprintf(err->text + len, sizeof err->text - len, ": %s", words);
	}
	return status;
}

/* The parsers want a NUL that is counted. One allocation, so that no part of a key stays behind in freed memory. */
static bool with_nul(struct span pem, struct buf *copy)
{
	uint8_t *room;

	if (buf_reserve(copy, pem.len + 1, &room) != STATUS_OK)
		return false;
	buf_append_span(copy, pem);
	buf_append_byte(copy, 0);
	return buf_status(copy) == STATUS_OK;
}

int mbed_parse_crt(struct span pem, mbedtls_x509_crt *ret_chain)
{
	struct buf copy = BUF_INIT(LIMIT_CERT_FILE);
	int failed = MBEDTLS_ERR_X509_ALLOC_FAILED;

	if (with_nul(pem, &copy))
		failed = mbedtls_x509_crt_parse(ret_chain, copy.ptr, copy.len);
	buf_done(&copy);
	/* Above 0: that many certificates of the file could not be read. Half a chain is no chain. */
	return failed > 0 ? MBEDTLS_ERR_X509_INVALID_FORMAT : failed;
}

int mbed_parse_csr(struct span pem, mbedtls_x509_csr *ret_csr)
{
	struct buf copy = BUF_INIT(LIMIT_CERT_FILE);
	int failed = MBEDTLS_ERR_X509_ALLOC_FAILED;

	if (with_nul(pem, &copy))
		failed = mbedtls_x509_csr_parse(ret_csr, copy.ptr, copy.len);
	buf_done(&copy);
	return failed;
}

int mbed_parse_key(struct span pem, mbedtls_pk_context *ret_key)
{
	struct buf copy = BUF_INIT(LIMIT_CERT_FILE);
	int failed = MBEDTLS_ERR_PK_ALLOC_FAILED;

	if (with_nul(pem, &copy))
		failed = mbedtls_pk_parse_key(ret_key, copy.ptr, copy.len, NULL, 0, mbed_random, NULL);
	buf_wipe(&copy);
	return failed;
}

enum status mbed_crt_uri(const mbedtls_x509_crt *crt, struct span *ret_uri)
{
	size_t count = 0;

	for (const mbedtls_x509_sequence *san = &crt->subject_alt_names; san != NULL; san = san->next) {
		if (san->buf.p == NULL || san->buf.tag != SAN_URI)
			continue;
		*ret_uri = span_of(san->buf.p, san->buf.len);
		count++;
	}
	return count == 1 && ret_uri->len > 0 && ret_uri->len <= LIMIT_SPIFFE_ID ? STATUS_OK : STATUS_INVALID;
}

int64_t mbed_time_s(const mbedtls_x509_time *when)
{
	struct tm utc = {
		.tm_year = when->year - 1900, .tm_mon = when->mon - 1, .tm_mday = when->day,
		.tm_hour = when->hour, .tm_min = when->min, .tm_sec = when->sec,
	};

	return timegm(&utc);
}

void mbed_put_u64(struct buf *buf, uint64_t number)
{
	for (int shift = 56; shift >= 0; shift -= 8)
		buf_append_byte(buf, (uint8_t)(number >> shift));
}

uint64_t mbed_get_u64(const uint8_t bytes[static 8])
{
	uint64_t number = 0;

	for (size_t i = 0; i < 8; i++)
		number = number << 8 | bytes[i];
	return number;
}

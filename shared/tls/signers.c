#include "shared/tls/signers.h"

#include <stdlib.h>

#include <mbedtls/base64.h>
#include <mbedtls/sha256.h>

#include "shared/file.h"
#include "shared/tls/mbed.h"

enum { SHA256_SIZE = 32, KEY_BITS_MIN = 1024 };

struct signers {
	mbedtls_x509_crt certs;
};

static enum status check_keys(const struct signers *signers, const char *path, struct err *err)
{
	for (const mbedtls_x509_crt *cert = &signers->certs; cert != NULL; cert = cert->next) {
		if (mbedtls_pk_get_type(&cert->pk) != MBEDTLS_PK_RSA || mbedtls_pk_get_bitlen(&cert->pk) < KEY_BITS_MIN)
			return err_set(err, STATUS_INVALID, "%s: expected certificates with RSA keys of at least %d bits", path,
			               KEY_BITS_MIN);
	}
	return STATUS_OK;
}

enum status signers_load(const char *path, struct signers **ret_signers, struct err *err)
{
	BUF_AUTO pem = BUF_INIT(LIMIT_CERT_FILE);
	struct signers *signers = calloc(1, sizeof *signers);
	enum status status;
	int failed;

	if (signers == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	mbedtls_x509_crt_init(&signers->certs);
	status = file_read(path, &pem, err);
	if (status == STATUS_OK) {
		failed = mbed_parse_crt(buf_span(&pem), &signers->certs);
		if (failed != 0)
			status = mbed_err(err, STATUS_INVALID, failed, "%s is not a list of certificates in PEM", path);
	}
	if (status == STATUS_OK)
		status = check_keys(signers, path, err);
	if (status == STATUS_OK)
		*ret_signers = signers;
	else
		signers_free(signers);
	return status;
}

void signers_free(struct signers *signers)
{
	if (signers == NULL)
		return;
	mbedtls_x509_crt_free(&signers->certs);
	free(signers);
}

enum status signers_check(struct signers *signers, struct span message, struct span signature, struct err *err)
{
	uint8_t raw[LIMIT_ENROLL_SIGNATURE], hash[SHA256_SIZE];
	size_t raw_len = 0;

	if (signature.len == 0 || mbedtls_base64_decode(raw, sizeof raw, &raw_len, signature.ptr, signature.len) != 0)
		return err_set(err, STATUS_INVALID, "the signature is not base64, or too long");
	if (mbedtls_sha256(message.len > 0 ? message.ptr : (const uint8_t *)"", message.len, hash, 0) != 0)
		return err_set(err, STATUS_SYSTEM, "cannot compute a digest");
	for (mbedtls_x509_crt *cert = &signers->certs; cert != NULL; cert = cert->next) {
		if (mbedtls_pk_verify(&cert->pk, MBEDTLS_MD_SHA256, hash, sizeof hash, raw, raw_len) == 0)
			return STATUS_OK;
	}
	return err_set(err, STATUS_DENIED, "the signature is not one of the region's");
}

#include "shared/tls/pki.h"

#include <mbedtls/ecp.h>
#include <mbedtls/sha256.h>

#include "shared/tls/mbed.h"
#include "shared/tls/session.h"

enum {
	REQUEST_PEM_SIZE = 2048,
	PUBLIC_KEY_SIZE = 1024, /* any key that mbedTLS takes, DER */
	SHA256_SIZE = 32,
};

static enum status write_request(mbedtls_pk_context *key, struct buf *ret_csr_pem, struct err *err)
{
	unsigned char pem[REQUEST_PEM_SIZE];
	mbedtls_x509write_csr csr;
	int failed;

	mbedtls_x509write_csr_init(&csr);
	mbedtls_x509write_csr_set_key(&csr, key);
	mbedtls_x509write_csr_set_md_alg(&csr, MBEDTLS_MD_SHA256);
	failed = mbedtls_x509write_csr_set_subject_name(&csr, "CN=rescue-agent");
	if (failed == 0)
		failed = mbedtls_x509write_csr_pem(&csr, pem, sizeof pem, mbed_random, NULL);
	if (failed == 0)
		buf_append_cstr(ret_csr_pem, (const char *)pem);
	mbedtls_x509write_csr_free(&csr);
	return failed == 0 ? buf_status(ret_csr_pem)
	                   : mbed_err(err, STATUS_SYSTEM, failed, "cannot write the certificate request");
}

static bool is_p256(const mbedtls_pk_context *key)
{
	return mbedtls_pk_get_type(key) == MBEDTLS_PK_ECKEY &&
	       mbedtls_ecp_keypair_get_group_id(mbedtls_pk_ec(*key)) == MBEDTLS_ECP_DP_SECP256R1;
}

/* Reads a private key, which must be a P-256 one. `ret_key` is initialised. */
static enum status read_key(struct span key_pem, mbedtls_pk_context *ret_key, struct err *err)
{
	enum status status = tls_global_init(err);
	int failed;

	if (status != STATUS_OK)
		return status;
	failed = mbed_parse_key(key_pem, ret_key);
	if (failed != 0)
		return mbed_err(err, STATUS_INVALID, failed, "not a private key in PEM without a password");
	return is_p256(ret_key) ? STATUS_OK : err_set(err, STATUS_INVALID, "the key is not a P-256 key");
}

enum status pki_make_request(struct span key_pem, struct buf *ret_csr_pem, struct err *err)
{
	mbedtls_pk_context key;
	enum status status;

	mbedtls_pk_init(&key);
	status = read_key(key_pem, &key, err);
	if (status == STATUS_OK)
		status = write_request(&key, ret_csr_pem, err);
	mbedtls_pk_free(&key);
	return status;
}

enum status pki_key_digest(struct span key_pem, char ret_key_hex[static DIGEST_HEX_SIZE], struct err *err)
{
	mbedtls_pk_context key;
	enum status status;

	mbedtls_pk_init(&key);
	status = read_key(key_pem, &key, err);
	if (status == STATUS_OK)
		status = mbed_key_digest(&key, ret_key_hex, err);
	mbedtls_pk_free(&key);
	return status;
}

enum status mbed_key_digest(const mbedtls_pk_context *key, char ret_hex[static DIGEST_HEX_SIZE], struct err *err)
{
	uint8_t der[PUBLIC_KEY_SIZE];
	/* It writes to the end of the room. */
	int len = mbedtls_pk_write_pubkey_der(key, der, sizeof der);

	if (len <= 0)
		return mbed_err(err, STATUS_INVALID, len, "cannot use the public key");
	digest_hex(span_of(der + sizeof der - (size_t)len, (size_t)len), ret_hex);
	return STATUS_OK;
}

/* mbedTLS reads requests without looking at their signature. */
static bool is_signed_by_its_key(mbedtls_x509_csr *csr)
{
	const mbedtls_x509_buf *signature = &csr->MBEDTLS_PRIVATE(sig);
	uint8_t hash[SHA256_SIZE];

	return csr->MBEDTLS_PRIVATE(sig_md) == MBEDTLS_MD_SHA256 && csr->MBEDTLS_PRIVATE(sig_pk) == MBEDTLS_PK_ECDSA &&
	       mbedtls_sha256(csr->cri.p, csr->cri.len, hash, 0) == 0 &&
	       mbedtls_pk_verify(&csr->pk, MBEDTLS_MD_SHA256, hash, sizeof hash, signature->p, signature->len) == 0;
}

/* The request's key moves out: mbedTLS cannot copy one. */
static void take_key(mbedtls_x509_csr *csr, mbedtls_pk_context *ret_key)
{
	*ret_key = csr->pk;
	mbedtls_pk_init(&csr->pk);
}

enum status mbed_request_key(struct span csr_pem, mbedtls_pk_context *ret_key, struct err *err)
{
	enum status status = STATUS_OK;
	mbedtls_x509_csr csr;
	int failed;

	mbedtls_x509_csr_init(&csr);
	failed = mbed_parse_csr(csr_pem, &csr);
	if (failed != 0)
		status = mbed_err(err, STATUS_INVALID, failed, "not a certificate request in PEM");
	else if (!is_p256(&csr.pk))
		status = err_set(err, STATUS_DENIED, "the certificate request is not for a P-256 key");
	else if (!is_signed_by_its_key(&csr))
		status = err_set(err, STATUS_DENIED, "the certificate request is not signed with its own key and SHA-256");
	else
		take_key(&csr, ret_key);
	mbedtls_x509_csr_free(&csr);
	return status;
}

enum status pki_check_request(struct span csr_pem, char ret_key_hex[static DIGEST_HEX_SIZE], struct err *err)
{
	mbedtls_pk_context key;
	enum status status = tls_global_init(err);

	mbedtls_pk_init(&key);
	if (status == STATUS_OK)
		status = mbed_request_key(csr_pem, &key, err);
	if (status == STATUS_OK)
		status = mbed_key_digest(&key, ret_key_hex, err);
	mbedtls_pk_free(&key);
	return status;
}

#include "shared/tls/pki.h"

#include <mbedtls/oid.h>

#include "shared/tls/mbed.h"

enum status pki_cert_uri(struct span cert_pem, struct buf *ret_uri, struct err *err)
{
	mbedtls_x509_crt cert;
	struct span uri;
	enum status status;
	int failed;

	mbedtls_x509_crt_init(&cert);
	failed = mbed_parse_crt(cert_pem, &cert);
	if (failed != 0) {
		status = mbed_err(err, STATUS_INVALID, failed, "cannot read the certificate");
	} else if (mbed_crt_uri(&cert, &uri) != STATUS_OK) {
		status = err_set(err, STATUS_INVALID, "the certificate does not hold exactly one URI");
	} else {
		buf_append_span(ret_uri, uri);
		status = buf_status(ret_uri);
	}
	mbedtls_x509_crt_free(&cert);
	return status;
}

/* The last common name, when it is one of plain characters that fits. */
static void read_common_name(const mbedtls_x509_crt *cert, char ret_name[static PKI_COMMON_NAME_SIZE])
{
	ret_name[0] = '\0';
	for (const mbedtls_x509_name *part = &cert->subject; part != NULL; part = part->next) {
		bool is_plain = MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &part->oid) == 0 && part->val.len < PKI_COMMON_NAME_SIZE;

		for (size_t i = 0; is_plain && i < part->val.len; i++)
			is_plain = part->val.p[i] > ' ' && part->val.p[i] < 0x7F;
		if (!is_plain)
			continue;
		memcpy(ret_name, part->val.p, part->val.len);
		ret_name[part->val.len] = '\0';
	}
}

enum status pki_cert_facts(struct span cert_pem, struct pki_facts *ret_facts, struct err *err)
{
	mbedtls_x509_crt cert;
	enum status status;
	int failed;

	mbedtls_x509_crt_init(&cert);
	failed = mbed_parse_crt(cert_pem, &cert);
	if (failed != 0) {
		status = mbed_err(err, STATUS_INVALID, failed, "cannot read the certificate");
	} else {
		ret_facts->not_before_s = mbed_time_s(&cert.valid_from);
		ret_facts->not_after_s = mbed_time_s(&cert.valid_to);
		digest_hex(span_of(cert.raw.p, cert.raw.len), ret_facts->fingerprint);
		read_common_name(&cert, ret_facts->common_name);
		status = mbed_key_digest(&cert.pk, ret_facts->key_digest, err);
	}
	mbedtls_x509_crt_free(&cert);
	return status;
}

enum status pki_cert_not_after(struct span cert_pem, int64_t *ret_not_after_s, struct err *err)
{
	struct pki_facts facts;
	enum status status = pki_cert_facts(cert_pem, &facts, err);

	if (status == STATUS_OK)
		*ret_not_after_s = facts.not_after_s;
	return status;
}

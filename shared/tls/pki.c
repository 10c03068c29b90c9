#include "shared/tls/pki.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <mbedtls/ecp.h>
#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

#include "shared/tls/mbed.h"
#include "shared/tls/session.h"

enum {
	SERIAL_SIZE = 16,
	PEM_SIZE = 16 * 1024,  /* a certificate with every name that pki_subject may carry */
	KEY_PEM_SIZE = 1024,
	COMMON_NAME_MAX = PKI_COMMON_NAME_SIZE - 1,
	NAMES_MAX = 64,
	ADDRESS_SIZE = 16,     /* IPv6 */
};

/* The subject alternative names of one certificate: the list that mbedTLS wants, and what its entries point at. */
struct names {
	mbedtls_x509_san_list list[NAMES_MAX];
	uint8_t addresses[NAMES_MAX][ADDRESS_SIZE];
	size_t count;
};

/* A certificate that is being made, and who signs it. */
struct making {
	mbedtls_x509write_cert cert;
	mbedtls_pk_context key;
	mbedtls_x509_crt ca;
	mbedtls_pk_context ca_key;
	struct names names;
};

static struct making *making_new(void)
{
	struct making *making = calloc(1, sizeof *making);

	if (making == NULL)
		return NULL;
	mbedtls_x509write_crt_init(&making->cert);
	mbedtls_pk_init(&making->key);
	mbedtls_x509_crt_init(&making->ca);
	mbedtls_pk_init(&making->ca_key);
	return making;
}

static void making_free(struct making *making)
{
	if (making == NULL)
		return;
	mbedtls_x509write_crt_free(&making->cert);
	mbedtls_pk_free(&making->key);
	mbedtls_x509_crt_free(&making->ca);
	mbedtls_pk_free(&making->ca_key);
	free(making);
}

static enum status make_key(mbedtls_pk_context *ret_key, struct err *err)
{
	int failed = mbedtls_pk_setup(ret_key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));

	if (failed == 0)
		failed = mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*ret_key), mbed_random, NULL);
	return failed == 0 ? STATUS_OK : mbed_err(err, STATUS_SYSTEM, failed, "cannot make a key");
}

/* "CN=" with the characters escaped that RFC 4514 section 2.4 gives a meaning. */
static enum status format_name(const char *common_name, struct buf *out, struct err *err)
{
	struct span name = span_cstr(common_name);

	if (name.len == 0 || name.len > COMMON_NAME_MAX)
		return err_set(err, STATUS_INVALID, "the common name must have 1 to %d bytes", COMMON_NAME_MAX);
	buf_append_cstr(out, "CN=");
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] < ' ' || name.ptr[i] == 0x7F)
			return err_set(err, STATUS_INVALID, "the common name holds a control character");
		if (strchr(",=+<>#;\"\\ ", name.ptr[i]) != NULL)
			buf_append_byte(out, '\\');
		buf_append_byte(out, name.ptr[i]);
	}
	return buf_status(out);
}

static enum status format_time(int64_t real_s, char ret_text[static 16], struct err *err)
{
	time_t when = (time_t)real_s;
	struct tm utc;

	if (gmtime_r(&when, &utc) == NULL || utc.tm_year < 70 || utc.tm_year > 8099)
		return err_set(err, STATUS_INVALID, "the validity must lie between the years 1970 and 9999");
	(void)strftime(ret_text, 16, "%Y%m%d%H%M%S", &utc);
	return STATUS_OK;
}

static void add_name(struct names *names, int type, struct span value)
{
	mbedtls_x509_san_list *item = &names->list[names->count];

	item->node.type = type;
	/* The field is not const, but it is only read when a certificate is written. */
	item->node.san.unstructured_name.p = (unsigned char *)(uintptr_t)value.ptr;
	item->node.san.unstructured_name.len = value.len;
	if (names->count > 0)
		names->list[names->count - 1].next = item;
	names->count++;
}

static enum status collect_names(const struct pki_subject *subject, struct names *names, struct err *err)
{
	if (subject->uri != NULL && (*subject->uri == '\0' || strlen(subject->uri) > LIMIT_SPIFFE_ID))
		return err_set(err, STATUS_INVALID, "the URI must have 1 to %d bytes", LIMIT_SPIFFE_ID);
	if (subject->uri != NULL)
		add_name(names, MBEDTLS_X509_SAN_UNIFORM_RESOURCE_IDENTIFIER, span_cstr(subject->uri));
	for (const char *const *name = subject->dns_names; name != NULL && *name != NULL; name++) {
		uint8_t *address = names->addresses[names->count];

		if (names->count == NAMES_MAX - 1)
			return err_set(err, STATUS_INVALID, "more than %d names", NAMES_MAX - 1);
		if (**name == '\0' || strlen(*name) > 253)
			return err_set(err, STATUS_INVALID, "a DNS name must have 1 to 253 bytes");
		if (inet_pton(AF_INET, *name, address) == 1)
			add_name(names, MBEDTLS_X509_SAN_IP_ADDRESS, span_of(address, 4));
		else if (inet_pton(AF_INET6, *name, address) == 1)
			add_name(names, MBEDTLS_X509_SAN_IP_ADDRESS, span_of(address, 16));
		else
			add_name(names, MBEDTLS_X509_SAN_DNS_NAME, span_cstr(*name));
	}
	return STATUS_OK;
}

static int set_purposes(mbedtls_x509write_cert *cert, bool is_server)
{
	static unsigned char client_auth[] = MBEDTLS_OID_CLIENT_AUTH, server_auth[] = MBEDTLS_OID_SERVER_AUTH;
	mbedtls_asn1_sequence server = {
		.buf = { .tag = MBEDTLS_ASN1_OID, .len = sizeof server_auth - 1, .p = server_auth },
	};
	mbedtls_asn1_sequence client = {
		.buf = { .tag = MBEDTLS_ASN1_OID, .len = sizeof client_auth - 1, .p = client_auth },
		.next = is_server ? &server : NULL,
	};

	return mbedtls_x509write_crt_set_ext_key_usage(cert, &client);
}

/*
 * The authority's own key identifier, as RFC 5280 section 4.2.1.1 wants it: an authority made elsewhere may have
 * computed it in another way than mbedTLS would.
 */
static int set_authority_key(struct making *making)
{
	mbedtls_x509_buf id = making->ca.subject_key_id;
	uint8_t der[4 + 64];

	if (id.p == NULL || id.len == 0 || id.len > 64)
		return mbedtls_x509write_crt_set_authority_key_identifier(&making->cert);
	der[0] = MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE;
	der[1] = (uint8_t)(id.len + 2);
	der[2] = MBEDTLS_ASN1_CONTEXT_SPECIFIC | 0;
	der[3] = (uint8_t)id.len;
	memcpy(der + 4, id.p, id.len);
	return mbedtls_x509write_crt_set_extension(&making->cert, MBEDTLS_OID_AUTHORITY_KEY_IDENTIFIER,
	                                           MBEDTLS_OID_SIZE(MBEDTLS_OID_AUTHORITY_KEY_IDENTIFIER), 0, der,
	                                           id.len + 4);
}

static int set_extensions(struct making *making, const struct pki_subject *subject, bool is_ca)
{
	mbedtls_x509write_cert *cert = &making->cert;
	unsigned usage = is_ca ? MBEDTLS_X509_KU_KEY_CERT_SIGN | MBEDTLS_X509_KU_CRL_SIGN
	                       : MBEDTLS_X509_KU_DIGITAL_SIGNATURE;
	int failed = mbedtls_x509write_crt_set_basic_constraints(cert, is_ca, is_ca ? 0 : -1);

	if (failed == 0)
		failed = mbedtls_x509write_crt_set_key_usage(cert, usage);
	if (failed == 0 && !is_ca)
		failed = set_purposes(cert, subject->is_server);
	if (failed == 0 && making->names.count > 0)
		failed = mbedtls_x509write_crt_set_subject_alternative_name(cert, making->names.list);
	if (failed == 0)
		failed = mbedtls_x509write_crt_set_subject_key_identifier(cert);
	if (failed == 0)
		failed = set_authority_key(making);
	return failed;
}

/* RFC 5280 section 4.1.2.2: positive, and not longer than 20 bytes. */
static int set_serial(mbedtls_x509write_cert *cert)
{
	uint8_t serial[SERIAL_SIZE];
	int failed = mbed_random(NULL, serial, sizeof serial);

	serial[0] = (uint8_t)((serial[0] & 0x7F) | 0x40);
	return failed != 0 ? failed : mbedtls_x509write_crt_set_serial_raw(cert, serial, sizeof serial);
}

static enum status describe(struct making *making, const struct pki_subject *subject, bool is_ca, struct err *err)
{
	struct buf name = BUF_INIT(4 * COMMON_NAME_MAX);
	char begins[16], ends[16];
	enum status status = format_name(subject->common_name, &name, err);
	int failed;

	if (status == STATUS_OK && subject->not_after_s <= subject->not_before_s)
		status = err_set(err, STATUS_INVALID, "the validity ends before it begins");
	if (status == STATUS_OK)
		status = format_time(subject->not_before_s, begins, err);
	if (status == STATUS_OK)
		status = format_time(subject->not_after_s, ends, err);
	if (status == STATUS_OK)
		status = collect_names(subject, &making->names, err);
	if (status != STATUS_OK)
		goto out;
	mbedtls_x509write_crt_set_version(&making->cert, MBEDTLS_X509_CRT_VERSION_3);
	mbedtls_x509write_crt_set_md_alg(&making->cert, MBEDTLS_MD_SHA256);
	failed = set_serial(&making->cert);
	if (failed == 0)
		failed = mbedtls_x509write_crt_set_subject_name(&making->cert, buf_cstr(&name));
	if (failed == 0)
		failed = mbedtls_x509write_crt_set_validity(&making->cert, begins, ends);
	if (failed == 0)
		failed = set_extensions(making, subject, is_ca);
	if (failed != 0)
		status = mbed_err(err, STATUS_INVALID, failed, "cannot describe the certificate");
out:
	buf_done(&name);
	return status;
}

static enum status write_cert(struct making *making, struct buf *ret_cert_pem, struct err *err)
{
	unsigned char *pem = calloc(1, PEM_SIZE);
	int failed;

	if (pem == NULL)
		return STATUS_NO_MEMORY;
	failed = mbedtls_x509write_crt_pem(&making->cert, pem, PEM_SIZE, mbed_random, NULL);
	if (failed == 0)
		buf_append_cstr(ret_cert_pem, (const char *)pem);
	free(pem);
	return failed == 0 ? buf_status(ret_cert_pem) : mbed_err(err, STATUS_SYSTEM, failed, "cannot write the certificate");
}

static enum status write_key(mbedtls_pk_context *key, struct buf *ret_key_pem, struct err *err)
{
	unsigned char pem[KEY_PEM_SIZE];
	int failed = mbedtls_pk_write_key_pem(key, pem, sizeof pem);

	if (failed == 0)
		buf_append_cstr(ret_key_pem, (const char *)pem);
	wipe(pem, sizeof pem);
	return failed == 0 ? buf_status(ret_key_pem) : mbed_err(err, STATUS_SYSTEM, failed, "cannot write the key");
}

enum status pki_make_ca(const struct pki_subject *subject, struct buf *ret_cert_pem, struct buf *ret_key_pem,
                        struct err *err)
{
	struct making *making = making_new();
	struct buf name = BUF_INIT(4 * COMMON_NAME_MAX);
	enum status status = making == NULL ? STATUS_NO_MEMORY : tls_global_init(err);
	int failed;

	if (status == STATUS_OK)
		status = make_key(&making->key, err);
	if (status == STATUS_OK)
		status = format_name(subject->common_name, &name, err);
	if (status != STATUS_OK)
		goto out;
	mbedtls_x509write_crt_set_subject_key(&making->cert, &making->key);
	mbedtls_x509write_crt_set_issuer_key(&making->cert, &making->key);
	failed = mbedtls_x509write_crt_set_issuer_name(&making->cert, buf_cstr(&name));
	if (failed != 0)
		status = mbed_err(err, STATUS_INVALID, failed, "cannot use the common name");
	if (status == STATUS_OK)
		status = describe(making, subject, true, err);
	if (status == STATUS_OK)
		status = write_cert(making, ret_cert_pem, err);
	if (status == STATUS_OK)
		status = write_key(&making->key, ret_key_pem, err);
out:
	buf_done(&name);
	making_free(making);
	return status;
}

static enum status load_ca(struct making *making, struct span cert_pem, struct span key_pem, struct err *err)
{
	int failed = mbed_parse_crt(cert_pem, &making->ca);

	if (failed != 0)
		return mbed_err(err, STATUS_INVALID, failed, "cannot read the authority's certificate");
	if (mbedtls_x509_crt_get_ca_istrue(&making->ca) != 1)
		return err_set(err, STATUS_INVALID, "the authority's certificate is not one of an authority");
	failed = mbed_parse_key(key_pem, &making->ca_key);
	if (failed != 0)
		return mbed_err(err, STATUS_INVALID, failed, "cannot read the authority's key");
	if (mbedtls_pk_check_pair(&making->ca.pk, &making->ca_key, mbed_random, NULL) != 0)
		return err_set(err, STATUS_INVALID, "the authority's key does not belong to its certificate");
	return STATUS_OK;
}

/* The issuer's name must be the authority's subject byte by byte (RFC 5280 section 4.1.2.4). */
static enum status set_issuer(struct making *making, struct err *err)
{
	char name[MBEDTLS_X509_MAX_DN_NAME_SIZE];
	int failed = mbedtls_x509_dn_gets(name, sizeof name, &making->ca.subject);

	if (failed >= 0)
		failed = mbedtls_x509write_crt_set_issuer_name(&making->cert, name);
	if (failed != 0)
		return mbed_err(err, STATUS_INVALID, failed, "cannot use the authority's name");
	mbedtls_x509write_crt_set_subject_key(&making->cert, &making->key);
	mbedtls_x509write_crt_set_issuer_key(&making->cert, &making->ca_key);
	return STATUS_OK;
}

/* Signs a certificate for making->key. */
static enum status issue(struct making *making, struct span ca_cert_pem, struct span ca_key_pem,
                         const struct pki_subject *subject, struct buf *ret_cert_pem, struct err *err)
{
	enum status status = load_ca(making, ca_cert_pem, ca_key_pem, err);

	if (status == STATUS_OK)
		status = set_issuer(making, err);
	if (status == STATUS_OK)
		status = describe(making, subject, false, err);
	return status == STATUS_OK ? write_cert(making, ret_cert_pem, err) : status;
}

enum status pki_issue(struct span ca_cert_pem, struct span ca_key_pem, const struct pki_subject *subject,
                      struct buf *ret_cert_pem, struct buf *ret_key_pem, struct err *err)
{
	struct making *making = making_new();
	enum status status = making == NULL ? STATUS_NO_MEMORY : tls_global_init(err);

	if (status == STATUS_OK)
		status = make_key(&making->key, err);
	if (status == STATUS_OK)
		status = issue(making, ca_cert_pem, ca_key_pem, subject, ret_cert_pem, err);
	if (status == STATUS_OK)
		status = write_key(&making->key, ret_key_pem, err);
	making_free(making);
	return status;
}

enum status pki_make_key(struct buf *ret_key_pem, struct err *err)
{
	mbedtls_pk_context key;
	enum status status = tls_global_init(err);

	mbedtls_pk_init(&key);
	if (status == STATUS_OK)
		status = make_key(&key, err);
	if (status == STATUS_OK)
		status = write_key(&key, ret_key_pem, err);
	mbedtls_pk_free(&key);
	return status;
}

enum status pki_issue_request(struct span ca_cert_pem, struct span ca_key_pem, struct span csr_pem,
                              const struct pki_subject *subject, struct buf *ret_cert_pem, struct err *err)
{
	struct making *making = making_new();
	enum status status = making == NULL ? STATUS_NO_MEMORY : tls_global_init(err);

	if (status == STATUS_OK)
		status = mbed_request_key(csr_pem, &making->key, err);
	if (status == STATUS_OK)
		status = issue(making, ca_cert_pem, ca_key_pem, subject, ret_cert_pem, err);
	making_free(making);
	return status;
}

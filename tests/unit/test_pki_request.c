#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shared/tls/signers.h"
#include "tests/unit/certs.h"
#include "tests/unit/openssl.h"

#define URI "spiffe://rescue.example/org/acme/workspace/w1"

static char folder[] = "/tmp/rescue-request-XXXXXX";
static struct certs_pair ca;

static int setup(void **state)
{
	(void)state;
	ca = certs_ca("Test CA");
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	certs_pair_done(&ca);
	return rmdir(folder);
}

/* Runs openssl(1), which must succeed. */
static void must_openssl(const char *const *arguments)
{
	int code;
	struct buf output = openssl(arguments, &code);

	if (code != 0)
		fail_msg("%s", buf_cstr(&output));
	buf_done(&output);
}

static void make(struct buf *ret_key, struct buf *ret_csr)
{
	struct err err = ERR_INIT;

	buf_init(ret_key, LIMIT_CERT_FILE);
	buf_init(ret_csr, LIMIT_CERT_FILE);
	certs_must(pki_make_key(ret_key, &err) == STATUS_OK, err.text);
	certs_must(pki_make_request(buf_span(ret_key), ret_csr, &err) == STATUS_OK, err.text);
}

static void request_verifies_with_another_implementation(void **state)
{
	struct buf key, csr;
	char *path;

	(void)state;
	make(&key, &csr);
	path = certs_write(folder, "request.csr", buf_span(&csr));
	must_openssl((const char *const[]){ "openssl", "req", "-verify", "-noout", "-in", path, NULL });
	remove_file(path);
	buf_wipe(&key);
	buf_done(&csr);
}

static void request_becomes_a_certificate_for_its_key_and_nothing_else_of_it(void **state)
{
	char *csr_path = certs_write(folder, "request.csr", SPAN_LIT(""));
	char *key_path = certs_write(folder, "request.key", SPAN_LIT(""));
	const char *const ask[] = { "openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
	                            "-nodes", "-keyout", key_path, "-out", csr_path, "-subj", "/CN=operator", "-addext",
	                            "subjectAltName=URI:spiffe://rescue.example/org/acme/operator", NULL };
	const struct pki_subject subject = { .common_name = "i-0123456789abcdef0", .uri = URI, .not_before_s = 1000000000,
		                             .not_after_s = 1000003600 };
	BUF_AUTO csr = BUF_INIT(LIMIT_CERT_FILE);
	BUF_AUTO key = BUF_INIT(LIMIT_CERT_FILE);
	BUF_AUTO cert = BUF_INIT(LIMIT_CERT_FILE);
	BUF_AUTO uri = BUF_INIT(LIMIT_SPIFFE_ID);
	char digest[DIGEST_HEX_SIZE], key_digest[DIGEST_HEX_SIZE];
	struct pki_facts facts;

	(void)state;
	must_openssl(ask);
	assert_int_equal(file_read(csr_path, &csr, NULL), STATUS_OK);
	assert_int_equal(file_read(key_path, &key, NULL), STATUS_OK);
	assert_int_equal(pki_check_request(buf_span(&csr), digest, NULL), STATUS_OK);
	assert_int_equal(pki_key_digest(buf_span(&key), key_digest, NULL), STATUS_OK);
	assert_string_equal(digest, key_digest);
	assert_int_equal(pki_issue_request(buf_span(&ca.cert), buf_span(&ca.key), buf_span(&csr), &subject, &cert, NULL),
	                 STATUS_OK);
	assert_int_equal(pki_cert_uri(buf_span(&cert), &uri, NULL), STATUS_OK);
	assert_string_equal(buf_cstr(&uri), URI);
	assert_int_equal(pki_cert_facts(buf_span(&cert), &facts, NULL), STATUS_OK);
	assert_string_equal(facts.common_name, "i-0123456789abcdef0");
	assert_string_equal(facts.key_digest, digest);
	assert_int_equal(facts.not_before_s, 1000000000);
	assert_int_equal(facts.not_after_s, 1000003600);
	remove_file(csr_path);
	remove_file(key_path);
}

static void request_with_any_changed_byte_is_refused(void **state)
{
	struct buf key, csr;
	char digest[DIGEST_HEX_SIZE];

	(void)state;
	make(&key, &csr);
	/* Of the base64 between the PEM's lines; what changes no bit of the DER cannot be told. */
	for (size_t at = 36; at + 40 < csr.len; at++) {
		uint8_t before = csr.ptr[at];

		if (before == '\n' || before == '=')
			continue;
		csr.ptr[at] = before == 'A' ? 'B' : 'A';
		if (pki_check_request(buf_span(&csr), digest, NULL) == STATUS_OK)
			fail_msg("byte %zu", at);
		csr.ptr[at] = before;
	}
	assert_int_equal(pki_check_request(buf_span(&csr), digest, NULL), STATUS_OK);
	for (size_t len = 0; len + 1 < csr.len; len++)
		assert_int_equal(pki_check_request(span_of(csr.ptr, len), digest, NULL), STATUS_INVALID);
	buf_wipe(&key);
	buf_done(&csr);
}

static void request_for_another_kind_of_key_is_refused(void **state)
{
	static const char *const kinds[][4] = {
		{ "rsa:2048", NULL, NULL, NULL },
		{ "ec", "-pkeyopt", "ec_paramgen_curve:P-384", NULL },
		{ "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-sha384" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		char *csr_path = certs_write(folder, "request.csr", SPAN_LIT(""));
		char *key_path = certs_write(folder, "request.key", SPAN_LIT(""));
		const char *arguments[20] = { "openssl", "req", "-new", "-nodes", "-keyout", key_path, "-out", csr_path,
		                              "-subj", "/CN=x", "-newkey" };
		BUF_AUTO csr = BUF_INIT(LIMIT_CERT_FILE);
		char digest[DIGEST_HEX_SIZE];

		for (size_t n = 0; n < 4; n++)
			arguments[11 + n] = kinds[i][n];
		must_openssl(arguments);
		assert_int_equal(file_read(csr_path, &csr, NULL), STATUS_OK);
		assert_int_equal(pki_check_request(buf_span(&csr), digest, NULL), STATUS_DENIED);
		remove_file(csr_path);
		remove_file(key_path);
	}
}

/* A certificate of a new RSA key, and the key's signature of `message` in base64. */
static void sign(const char *bits, const char *digest, const char *message, struct buf *ret_signature)
{
	char *key_path = certs_write(folder, "rsa.key", SPAN_LIT(""));
	char *cert_path = certs_write(folder, "rsa.crt", SPAN_LIT(""));
	char *text_path = certs_write(folder, "text", span_cstr(message));
	char *raw_path = certs_write(folder, "raw", SPAN_LIT(""));
	const char *const make_cert[] = { "openssl", "req", "-x509", "-newkey", bits, "-nodes", "-keyout", key_path,
	                                  "-out", cert_path, "-days", "1", "-subj", "/CN=region", NULL };
	int code;

	must_openssl(make_cert);
	must_openssl((const char *const[]){ "openssl", "dgst", digest, "-sign", key_path, "-out", raw_path, text_path,
	                                    NULL });
	*ret_signature = openssl((const char *const[]){ "openssl", "base64", "-in", raw_path, NULL }, &code);
	assert_int_equal(code, 0);
	remove_file(key_path);
	remove_file(text_path);
	remove_file(raw_path);
	free(cert_path);
}

static void signers_take_their_own_signature_only(void **state)
{
	struct signers *signers = NULL;
	struct buf good, other;
	char path[64];

	(void)state;
	(void)snprintf(path, sizeof path, "%s/rsa.crt", folder);
	sign("rsa:1024", "-sha256", "the document", &other);
	sign("rsa:2048", "-sha256", "the document", &good);
	assert_int_equal(signers_load(path, &signers, NULL), STATUS_OK);
	assert_int_equal(signers_check(signers, SPAN_LIT("the document"), buf_span(&good), NULL), STATUS_OK);
	assert_int_equal(signers_check(signers, SPAN_LIT("the documenT"), buf_span(&good), NULL), STATUS_DENIED);
	assert_int_equal(signers_check(signers, SPAN_LIT(""), buf_span(&good), NULL), STATUS_DENIED);
	assert_int_equal(signers_check(signers, SPAN_LIT("the document"), buf_span(&other), NULL), STATUS_DENIED);
	assert_int_equal(signers_check(signers, SPAN_LIT("the document"), SPAN_LIT(""), NULL), STATUS_INVALID);
	assert_int_equal(signers_check(signers, SPAN_LIT("the document"), SPAN_LIT("!"), NULL), STATUS_INVALID);
	for (size_t len = 0; len + 2 < good.len; len++)
		assert_int_not_equal(signers_check(signers, SPAN_LIT("the document"), span_of(good.ptr, len), NULL), STATUS_OK);
	signers_free(signers);
	buf_done(&good);
	buf_done(&other);
	assert_int_equal(unlink(path), 0);
}

static void signers_take_no_other_digest_than_sha256(void **state)
{
	struct signers *signers = NULL;
	struct buf signature;
	char path[64];

	(void)state;
	(void)snprintf(path, sizeof path, "%s/rsa.crt", folder);
	sign("rsa:2048", "-sha1", "the document", &signature);
	assert_int_equal(signers_load(path, &signers, NULL), STATUS_OK);
	assert_int_equal(signers_check(signers, SPAN_LIT("the document"), buf_span(&signature), NULL), STATUS_DENIED);
	signers_free(signers);
	buf_done(&signature);
	assert_int_equal(unlink(path), 0);
}

static void signers_need_rsa_keys(void **state)
{
	char *path = certs_write(folder, "ec.crt", buf_span(&ca.cert));
	struct signers *signers = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(signers_load(path, &signers, &err), STATUS_INVALID);
	assert_non_null(strstr(err.text, "RSA"));
	assert_int_equal(signers_load("/nonexistent/us-east-1.pem", &signers, &err), STATUS_NOT_FOUND);
	assert_null(signers);
	remove_file(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_verifies_with_another_implementation),
		cmocka_unit_test(request_becomes_a_certificate_for_its_key_and_nothing_else_of_it),
		cmocka_unit_test(request_with_any_changed_byte_is_refused),
		cmocka_unit_test(request_for_another_kind_of_key_is_refused),
		cmocka_unit_test(signers_take_their_own_signature_only),
		cmocka_unit_test(signers_take_no_other_digest_than_sha256),
		cmocka_unit_test(signers_need_rsa_keys),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

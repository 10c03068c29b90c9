#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/certs.h"
#include "tests/unit/openssl.h"

#define URI "spiffe://rescue.example/org/acme/workspace/w1"

static char folder[] = "/tmp/rescue-pki-XXXXXX";
static struct certs_pair ca;

static int setup(void **state)
{
	(void)state;
	ca = certs_ca("Test, \"odd\" CA + more");
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	certs_pair_done(&ca);
	return rmdir(folder);
}

static void pki_certificates_verify_with_another_implementation(void **state)
{
	struct certs_pair leaf = certs_leaf(&ca, URI, true, -1, 10);
	char *ca_path = certs_write(folder, "ca.crt", buf_span(&ca.cert));
	char *leaf_path = certs_write(folder, "leaf.crt", buf_span(&leaf.cert));
	const char *const verify[] = { "openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", ca_path,
	                               leaf_path, NULL };
	const char *const print[] = { "openssl", "x509", "-noout", "-text", "-in", leaf_path, NULL };
	static const char *const parts[] = {
		"Version: 3", "ecdsa-with-SHA256", "ASN1 OID: prime256v1", "CA:FALSE", "Digital Signature",
		"TLS Web Client Authentication", "TLS Web Server Authentication", "URI:" URI, "DNS:localhost",
		"IP Address:127.0.0.1", "X509v3 Subject Key Identifier", "X509v3 Authority Key Identifier",
	};
	int code;
	struct buf output = openssl(verify, &code);

	(void)state;
	if (code != 0)
		fail_msg("%s", buf_cstr(&output));
	buf_done(&output);
	output = openssl(print, &code);
	assert_int_equal(code, 0);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		if (strstr(buf_cstr(&output), parts[i]) == NULL)
			fail_msg("%s is missing in:\n%s", parts[i], buf_cstr(&output));
	}
	buf_done(&output);
	remove_file(ca_path);
	remove_file(leaf_path);
	certs_pair_done(&leaf);
}

static void pki_client_certificates_are_not_for_servers(void **state)
{
	struct certs_pair leaf = certs_leaf(&ca, URI, false, -1, 10);
	char *path = certs_write(folder, "leaf.crt", buf_span(&leaf.cert));
	const char *const print[] = { "openssl", "x509", "-noout", "-text", "-in", path, NULL };
	int code;
	struct buf output = openssl(print, &code);

	(void)state;
	assert_int_equal(code, 0);
	assert_non_null(strstr(buf_cstr(&output), "TLS Web Client Authentication"));
	assert_null(strstr(buf_cstr(&output), "TLS Web Server Authentication"));
	buf_done(&output);
	remove_file(path);
	certs_pair_done(&leaf);
}

static void pki_signs_with_an_authority_that_was_made_elsewhere(void **state)
{
	char *key_path = certs_write(folder, "ca.key", SPAN_LIT(""));
	char *ca_path = certs_write(folder, "ca.crt", SPAN_LIT(""));
	const char *const make[] = { "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key_path,
	                             "-out", ca_path, "-days", "10", "-subj", "/C=DE/O=Some, Org/OU=a+b/CN=Their CA",
	                             NULL };
	struct certs_pair theirs = { BUF_INIT(LIMIT_CERT_FILE), BUF_INIT(LIMIT_CERT_FILE) };
	struct certs_pair leaf;
	char *leaf_path;
	int code;
	struct buf output = openssl(make, &code);

	(void)state;
	if (code != 0)
		fail_msg("%s", buf_cstr(&output));
	buf_done(&output);
	assert_int_equal(file_read(ca_path, &theirs.cert, NULL), STATUS_OK);
	assert_int_equal(file_read(key_path, &theirs.key, NULL), STATUS_OK);
	leaf = certs_leaf(&theirs, URI, true, 0, 5);
	leaf_path = certs_write(folder, "leaf.crt", buf_span(&leaf.cert));
	output = openssl((const char *const[]){ "openssl", "verify", "-CAfile", ca_path, leaf_path, NULL }, &code);
	if (code != 0)
		fail_msg("%s", buf_cstr(&output));
	buf_done(&output);
	remove_file(leaf_path);
	remove_file(key_path);
	remove_file(ca_path);
	certs_pair_done(&leaf);
	certs_pair_done(&theirs);
}

static void pki_reads_the_uri_back(void **state)
{
	struct certs_pair with = certs_leaf(&ca, URI, true, -1, 10), without = certs_leaf(&ca, NULL, true, -1, 10);
	BUF_AUTO uri = BUF_INIT(LIMIT_SPIFFE_ID);

	(void)state;
	assert_int_equal(pki_cert_uri(buf_span(&with.cert), &uri, NULL), STATUS_OK);
	assert_string_equal(buf_cstr(&uri), URI);
	assert_int_equal(pki_cert_uri(buf_span(&without.cert), &uri, NULL), STATUS_INVALID);
	assert_int_equal(pki_cert_uri(SPAN_LIT("no certificate"), &uri, NULL), STATUS_INVALID);
	certs_pair_done(&with);
	certs_pair_done(&without);
}

static void pki_serials_differ(void **state)
{
	struct certs_pair one = certs_leaf(&ca, URI, false, -1, 10), other = certs_leaf(&ca, URI, false, -1, 10);

	(void)state;
	assert_false(span_eq(buf_span(&one.cert), buf_span(&other.cert)));
	assert_false(span_eq(buf_span(&one.key), buf_span(&other.key)));
	certs_pair_done(&one);
	certs_pair_done(&other);
}

static void pki_refuses_what_makes_no_certificate(void **state)
{
	static const char long_name[] = "12345678901234567890123456789012345678901234567890123456789012345";
	static const char *const empty_name[] = { "", NULL };
	const struct pki_subject subjects[] = {
		{ .common_name = "", .not_after_s = 1 },
		{ .common_name = long_name, .not_after_s = 1 },
		{ .common_name = "a\nb", .not_after_s = 1 },
		{ .common_name = "a", .not_before_s = 5, .not_after_s = 5 },
		{ .common_name = "a", .not_after_s = INT64_MAX },
		{ .common_name = "a", .not_after_s = 1, .uri = "" },
		{ .common_name = "a", .not_after_s = 1, .dns_names = empty_name },
	};
	BUF_AUTO cert = BUF_INIT(LIMIT_CERT_FILE);
	BUF_AUTO key = BUF_INIT(LIMIT_CERT_FILE);

	(void)state;
	for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
		struct err err = ERR_INIT;

		assert_int_equal(pki_issue(buf_span(&ca.cert), buf_span(&ca.key), &subjects[i], &cert, &key, &err),
		                 STATUS_INVALID);
		assert_string_not_equal(err.text, "");
		assert_int_equal(pki_make_ca(&subjects[i], &cert, &key, NULL), STATUS_INVALID);
	}
	assert_int_equal(cert.len + key.len, 0);
}

static void pki_signs_only_with_an_authority_and_its_own_key(void **state)
{
	struct certs_pair leaf = certs_leaf(&ca, URI, false, -1, 10), other = certs_ca("Other");
	const struct pki_subject subject = { .common_name = "a", .not_after_s = 1 };
	BUF_AUTO cert = BUF_INIT(LIMIT_CERT_FILE);
	BUF_AUTO key = BUF_INIT(LIMIT_CERT_FILE);
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(pki_issue(buf_span(&leaf.cert), buf_span(&leaf.key), &subject, &cert, &key, &err),
	                 STATUS_INVALID);
	assert_non_null(strstr(err.text, "not one of an authority"));
	assert_int_equal(pki_issue(buf_span(&ca.cert), buf_span(&other.key), &subject, &cert, &key, &err),
	                 STATUS_INVALID);
	assert_non_null(strstr(err.text, "does not belong"));
	certs_pair_done(&leaf);
	certs_pair_done(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pki_certificates_verify_with_another_implementation),
		cmocka_unit_test(pki_client_certificates_are_not_for_servers),
		cmocka_unit_test(pki_signs_with_an_authority_that_was_made_elsewhere),
		cmocka_unit_test(pki_reads_the_uri_back),
		cmocka_unit_test(pki_serials_differ),
		cmocka_unit_test(pki_refuses_what_makes_no_certificate),
		cmocka_unit_test(pki_signs_only_with_an_authority_and_its_own_key),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

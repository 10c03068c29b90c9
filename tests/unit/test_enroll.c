#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proto/enroll.h"

#define DOCUMENT \
	"{\n  \"accountId\" : \"012345678901\",\n  \"architecture\" : \"x86_64\",\n  \"billingProducts\" : null,\n" \
	"  \"instanceId\" : \"i-0123456789abcdef0\",\n  \"pendingTime\" : \"2026-01-31T00:00:00Z\",\n" \
	"  \"region\" : \"us-east-1\",\n  \"version\" : \"2017-09-30\"\n}"

static void enroll_request_keeps_the_document_byte_by_byte(void **state)
{
	struct enroll_request sent = { .csr = SPAN_LIT("-----BEGIN"), .document = SPAN_LIT(DOCUMENT "\t\"\\\xc3\xa9\n"),
		                       .signature = SPAN_LIT("YWJj\nZGVm\n") };
	BUF_AUTO wire = BUF_INIT(LIMIT_ENROLL_BODY);
	struct enroll_request got;

	(void)state;
	assert_int_equal(enroll_request_format(&sent, &wire), STATUS_OK);
	assert_int_equal(enroll_request_parse(buf_span(&wire), false, &got, NULL), STATUS_OK);
	assert_true(span_eq(got.csr, sent.csr));
	assert_true(span_eq(got.document, sent.document));
	assert_true(span_eq(got.signature, sent.signature));
	enroll_request_done(&got);
}

static void enroll_renewal_is_a_request_without_proof(void **state)
{
	struct enroll_request sent = { .csr = SPAN_LIT("x") };
	BUF_AUTO wire = BUF_INIT(LIMIT_ENROLL_BODY);
	struct err err = ERR_INIT;
	struct enroll_request got;

	(void)state;
	assert_int_equal(enroll_request_format(&sent, &wire), STATUS_OK);
	assert_string_equal(buf_cstr(&wire), "{\"csr\":\"x\"}");
	assert_int_equal(enroll_request_parse(buf_span(&wire), true, &got, NULL), STATUS_OK);
	enroll_request_done(&got);
	assert_int_equal(enroll_request_parse(buf_span(&wire), false, &got, &err), STATUS_INVALID);
	assert_non_null(strstr(err.text, "document"));
	assert_null(got.doc);
}

static void enroll_request_names_the_field_that_is_wrong(void **state)
{
	static const struct {
		const char *json, *words;
	} cases[] = {
		{ "[]", "not a JSON object" },
		{ "{", "not valid JSON" },
		{ "{}", "csr" },
		{ "{\"csr\":7}", "csr" },
		{ "{\"csr\":\"\"}", "csr" },
		{ "{\"csr\":\"a\",\"document\":{}}", "document" },
		{ "{\"csr\":\"a\",\"document\":\"b\"}", "signature" },
		{ "{\"csr\":\"a\",\"csr\":\"b\",\"document\":\"b\",\"signature\":\"c\"}", "not valid JSON" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = ERR_INIT;
		struct enroll_request got;

		assert_int_equal(enroll_request_parse(span_cstr(cases[i].json), false, &got, &err), STATUS_INVALID);
		if (strstr(err.text, cases[i].words) == NULL)
			fail_msg("%s: %s", cases[i].json, err.text);
	}
}

static void enroll_request_caps_every_field(void **state)
{
	static const struct {
		const char *key;
		size_t max;
	} fields[] = {
		{ "csr", LIMIT_ENROLL_CSR }, { "document", LIMIT_ENROLL_DOCUMENT },
		{ "signature", LIMIT_ENROLL_SIGNATURE_TEXT },
	};

	(void)state;
	for (size_t over = 0; over < sizeof fields / sizeof fields[0]; over++) {
		BUF_AUTO json = BUF_INIT(4 * LIMIT_ENROLL_BODY);
		struct err err = ERR_INIT;
		struct enroll_request got;

		for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
			buf_printf(&json, "%s\"%s\":\"", i == 0 ? "{" : ",", fields[i].key);
			for (size_t n = 0; n < fields[i].max + (i == over); n++)
				buf_append_byte(&json, 'a');
			buf_append_byte(&json, '"');
		}
		buf_append_byte(&json, '}');
		assert_int_equal(enroll_request_parse(buf_span(&json), false, &got, &err), STATUS_INVALID);
		assert_non_null(strstr(err.text, fields[over].key));
	}
}

static void enroll_answer_survives_the_wire(void **state)
{
	struct enroll_answer sent = { .certificate = SPAN_LIT("-----BEGIN CERTIFICATE-----\n"),
		                      .not_after_ns = INT64_C(1769817600000000000), .renew_in_s = 57600 };
	BUF_AUTO wire = BUF_INIT(4096);
	struct enroll_answer got;

	(void)state;
	assert_int_equal(enroll_answer_format(&sent, &wire), STATUS_OK);
	assert_int_equal(enroll_answer_parse(buf_span(&wire), &got, NULL), STATUS_OK);
	assert_true(span_eq(got.certificate, sent.certificate));
	assert_int_equal(got.not_after_ns, sent.not_after_ns);
	assert_int_equal(got.renew_in_s, sent.renew_in_s);
	enroll_answer_done(&got);
}

static void enroll_answer_that_would_renew_at_once_or_never_is_refused(void **state)
{
	static const char *const numbers[] = { "0", "-5", "2678401", "\"soon\"", "null", "1e9" };

	(void)state;
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		char json[160];
		struct enroll_answer got;

		(void)snprintf(json, sizeof json, "{\"certificate\":\"c\",\"not_after\":\"2026-01-31T00:00:00Z\","
		               "\"renew_in_s\":%s}", numbers[i]);
		assert_int_equal(enroll_answer_parse(span_cstr(json), &got, NULL), STATUS_INVALID);
		assert_null(got.doc);
	}
}

static void enroll_document_is_read_as_ec2_writes_it(void **state)
{
	struct enroll_document got;

	(void)state;
	assert_int_equal(enroll_document_parse(SPAN_LIT(DOCUMENT), &got, NULL), STATUS_OK);
	assert_string_equal(got.instance_id, "i-0123456789abcdef0");
	assert_string_equal(got.account_id, "012345678901");
	assert_string_equal(got.region, "us-east-1");
	assert_int_equal(got.pending_ns, INT64_C(1769817600000000000));
}

static void enroll_document_refuses_what_ec2_does_not_write(void **state)
{
	static const char *const documents[] = {
		"null",
		"{\"instanceId\":\"i-01\",\"accountId\":\"012345678901\",\"region\":\"us-east-1\",\"pendingTime\":"
		"\"2026-01-31T00:00:00Z\"}",
		"{\"instanceId\":\"i-0123456789ABCDEF0\",\"accountId\":\"012345678901\",\"region\":\"us-east-1\","
		"\"pendingTime\":\"2026-01-31T00:00:00Z\"}",
		"{\"instanceId\":\"i-0123456789abcdef0'\",\"accountId\":\"012345678901\",\"region\":\"us-east-1\","
		"\"pendingTime\":\"2026-01-31T00:00:00Z\"}",
		"{\"instanceId\":\"i-01234567\",\"accountId\":\"12345678901\",\"region\":\"us-east-1\",\"pendingTime\":"
		"\"2026-01-31T00:00:00Z\"}",
		"{\"instanceId\":\"i-01234567\",\"accountId\":\"012345678901\",\"region\":\"../eu\",\"pendingTime\":"
		"\"2026-01-31T00:00:00Z\"}",
		"{\"instanceId\":\"i-01234567\",\"accountId\":\"012345678901\",\"region\":\"eu\",\"pendingTime\":\"now\"}",
		"{\"instanceId\":\"i-01234567\",\"accountId\":\"012345678901\",\"region\":\"eu\"}",
		"{\"instanceId\":\"i-01234567\",\"instanceId\":\"i-76543210\",\"accountId\":\"012345678901\","
		"\"region\":\"eu\",\"pendingTime\":\"2026-01-31T00:00:00Z\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
		struct enroll_document got;

		if (enroll_document_parse(span_cstr(documents[i]), &got, NULL) != STATUS_INVALID)
			fail_msg("%s", documents[i]);
	}
}

/* Every beginning of a good text, and every text with one byte changed, is either understood or refused. */
static void enroll_parsers_take_any_bytes(void **state)
{
	static const char request[] = "{\"csr\":\"a\",\"document\":\"{}\",\"signature\":\"YQ==\"}";
	static const struct span texts[] = { { (const uint8_t *)request, sizeof request - 1 },
		                             { (const uint8_t *)DOCUMENT, sizeof DOCUMENT - 1 } };

	(void)state;
	for (size_t t = 0; t < 2; t++) {
		for (size_t i = 0; i < texts[t].len; i++) {
			/* Of its own length, so that a read behind it is seen by the sanitizer. */
			uint8_t *part = malloc(i + 1), *whole = malloc(texts[t].len);
			struct enroll_request got;
			struct enroll_document document;

			memcpy(part, texts[t].ptr, i);
			memcpy(whole, texts[t].ptr, texts[t].len);
			assert_int_equal(enroll_request_parse(span_of(part, i), false, &got, NULL), STATUS_INVALID);
			assert_int_equal(enroll_document_parse(span_of(part, i), &document, NULL), STATUS_INVALID);
			for (unsigned byte = 0; byte < 256; byte += 5) {
				whole[i] = (uint8_t)byte;
				if (enroll_request_parse(span_of(whole, texts[t].len), false, &got, NULL) == STATUS_OK)
					enroll_request_done(&got);
				if (enroll_document_parse(span_of(whole, texts[t].len), &document, NULL) == STATUS_OK)
					assert_true(enroll_is_instance_id(span_cstr(document.instance_id)));
			}
			free(part);
			free(whole);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(enroll_request_keeps_the_document_byte_by_byte),
		cmocka_unit_test(enroll_renewal_is_a_request_without_proof),
		cmocka_unit_test(enroll_request_names_the_field_that_is_wrong),
		cmocka_unit_test(enroll_request_caps_every_field),
		cmocka_unit_test(enroll_answer_survives_the_wire),
		cmocka_unit_test(enroll_answer_that_would_renew_at_once_or_never_is_refused),
		cmocka_unit_test(enroll_document_is_read_as_ec2_writes_it),
		cmocka_unit_test(enroll_document_refuses_what_ec2_does_not_write),
		cmocka_unit_test(enroll_parsers_take_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

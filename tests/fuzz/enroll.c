/*
 * enroll: any bytes as what an enrolment's parsers may be given: a request, an answer, an instance identity document, a
 * certificate request. What is understood stays the same when it is written down and read again.
 *
 * Seeds in corpus-enroll/.
 */
#include <stdlib.h>

#include "proto/enroll.h"
#include "shared/tls/pki.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void try_request(struct span text, bool is_renewal)
{
	BUF_AUTO wire = BUF_INIT(8 * LIMIT_ENROLL_BODY);
	struct enroll_request first, second;

	if (enroll_request_parse(text, is_renewal, &first, NULL) != STATUS_OK)
		return;
	must(enroll_request_format(&first, &wire) == STATUS_OK);
	must(enroll_request_parse(buf_span(&wire), is_renewal, &second, NULL) == STATUS_OK);
	must(span_eq(first.csr, second.csr) && span_eq(first.document, second.document) &&
	     span_eq(first.signature, second.signature));
	enroll_request_done(&first);
	enroll_request_done(&second);
}

static void try_answer(struct span text)
{
	struct enroll_answer answer;

	if (enroll_answer_parse(text, &answer, NULL) != STATUS_OK)
		return;
	must(answer.renew_in_s >= 1 && answer.renew_in_s <= LIMIT_ENROLL_LIFETIME_S);
	enroll_answer_done(&answer);
}

static void try_document(struct span text)
{
	struct enroll_document document;

	if (enroll_document_parse(text, &document, NULL) != STATUS_OK)
		return;
	must(enroll_is_instance_id(span_cstr(document.instance_id)) && enroll_is_region(span_cstr(document.region)) &&
	     enroll_is_account(span_cstr(document.account_id)));
}

static void try_csr(struct span text)
{
	char key_digest[DIGEST_HEX_SIZE];

	if (pki_check_request(text, key_digest, NULL) == STATUS_OK)
		must(strlen(key_digest) == DIGEST_HEX_SIZE - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of(data, size);

	try_request(text, false);
	try_request(text, true);
	try_answer(text);
	try_document(text);
	try_csr(text);
	return 0;
}

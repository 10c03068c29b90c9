#include "proto/enroll.h"

#include "shared/clock.h"

enum { INSTANCE_DIGITS_MIN = 8, INSTANCE_DIGITS_MAX = 17 };

bool enroll_is_instance_id(struct span text)
{
	if (!span_starts_with(text, SPAN_LIT("i-")) || text.len < 2 + INSTANCE_DIGITS_MIN ||
	    text.len > 2 + INSTANCE_DIGITS_MAX)
		return false;
	for (size_t i = 2; i < text.len; i++) {
		if (!(text.ptr[i] >= '0' && text.ptr[i] <= '9') && !(text.ptr[i] >= 'a' && text.ptr[i] <= 'f'))
			return false;
	}
	return true;
}

bool enroll_is_account(struct span text)
{
	uint64_t number;

	return text.len == ENROLL_ACCOUNT_SIZE - 1 && span_to_u64(text, &number);
}

bool enroll_is_region(struct span text)
{
	if (text.len == 0 || text.len > LIMIT_ENROLL_REGION)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte = text.ptr[i];

		if (!(byte >= 'a' && byte <= 'z') && !(byte >= '0' && byte <= '9') && byte != '-')
			return false;
	}
	return true;
}

static enum status open_object(struct span json, const char *what, struct jdoc **ret_doc, struct err *err)
{
	enum status status = jdoc_parse(json, ret_doc, err);

	if (status == STATUS_OK && !jdoc_is_object(*ret_doc))
		status = err_set(err, STATUS_INVALID, "not a JSON object");
	if (status != STATUS_OK)
		err_prefix(err, "%s", what);
	return status;
}

/* A text of 1 to `max` bytes. */
static enum status take_text(const struct jdoc *doc, const char *key, size_t max, struct span *ret_text,
                             struct err *err)
{
	*ret_text = jdoc_get_text(doc, key);
	if (ret_text->len == 0)
		return err_set(err, STATUS_INVALID, "%s is missing or no text", key);
	if (ret_text->len > max)
		return err_set(err, STATUS_INVALID, "%s is longer than %zu bytes", key, max);
	return STATUS_OK;
}

/* -- request ------------------------------------------------------------------------------------------------- */

enum status enroll_request_parse(struct span json, bool is_renewal, struct enroll_request *ret_request,
                                 struct err *err)
{
	struct enroll_request request = { .doc = NULL };
	enum status status = open_object(json, "enrolment", &request.doc, err);

	if (status == STATUS_OK)
		status = take_text(request.doc, "csr", LIMIT_ENROLL_CSR, &request.csr, err);
	if (status == STATUS_OK && !is_renewal)
		status = take_text(request.doc, "document", LIMIT_ENROLL_DOCUMENT, &request.document, err);
	if (status == STATUS_OK && !is_renewal)
		status = take_text(request.doc, "signature", LIMIT_ENROLL_SIGNATURE_TEXT, &request.signature, err);
	if (status != STATUS_OK)
		enroll_request_done(&request);
	*ret_request = request;
	return status;
}

void enroll_request_done(struct enroll_request *request)
{
	jdoc_free(request->doc);
	*request = (struct enroll_request){ .doc = NULL };
}

static enum status dump(struct jdoc *doc, bool is_whole, struct buf *out)
{
	enum status status = is_whole ? jdoc_dump(doc, out) : doc == NULL ? STATUS_NO_MEMORY : STATUS_INVALID;

	jdoc_free(doc);
	return status;
}

enum status enroll_request_format(const struct enroll_request *request, struct buf *out)
{
	struct jdoc *doc = jdoc_object();
	bool ok = jdoc_set_text(doc, "csr", request->csr);

	if (ok && request->document.len > 0)
		ok = jdoc_set_text(doc, "document", request->document) &&
		     jdoc_set_text(doc, "signature", request->signature);
	return dump(doc, ok, out);
}

/* -- answer -------------------------------------------------------------------------------------------------- */

enum status enroll_answer_parse(struct span json, struct enroll_answer *ret_answer, struct err *err)
{
	struct enroll_answer answer = { .doc = NULL };
	enum status status = open_object(json, "answer to an enrolment", &answer.doc, err);

	if (status == STATUS_OK)
		status = take_text(answer.doc, "certificate", LIMIT_CERT_FILE, &answer.certificate, err);
	if (status == STATUS_OK && !clock_parse(jdoc_get_text(answer.doc, "not_after"), &answer.not_after_ns))
		status = err_set(err, STATUS_INVALID, "not_after is not an RFC 3339 time");
	if (status == STATUS_OK) {
		answer.renew_in_s = jdoc_get_int(answer.doc, "renew_in_s", 0);
		if (answer.renew_in_s < 1 || answer.renew_in_s > LIMIT_ENROLL_LIFETIME_S)
			status = err_set(err, STATUS_INVALID, "renew_in_s is not in 1 to %d", LIMIT_ENROLL_LIFETIME_S);
	}
	if (status != STATUS_OK)
		enroll_answer_done(&answer);
	*ret_answer = answer;
	return status;
}

void enroll_answer_done(struct enroll_answer *answer)
{
	jdoc_free(answer->doc);
	*answer = (struct enroll_answer){ .doc = NULL };
}

enum status enroll_answer_format(const struct enroll_answer *answer, struct buf *out)
{
	struct jdoc *doc = jdoc_object();
	char not_after[CLOCK_RFC3339_SIZE];

	clock_format(answer->not_after_ns, not_after);
	return dump(doc,
	            jdoc_set_text(doc, "certificate", answer->certificate) &&
	                    jdoc_set_cstr(doc, "not_after", not_after) &&
	                    jdoc_set_int(doc, "renew_in_s", answer->renew_in_s),
	            out);
}

/* -- document ------------------------------------------------------------------------------------------------ */

static enum status read_document(const struct jdoc *doc, struct enroll_document *document, struct err *err)
{
	struct span instance_id = jdoc_get_text(doc, "instanceId");
	struct span account_id = jdoc_get_text(doc, "accountId");
	struct span region = jdoc_get_text(doc, "region");

	if (!enroll_is_instance_id(instance_id))
		return err_set(err, STATUS_INVALID, "instanceId is not an instance's");
	if (!enroll_is_account(account_id))
		return err_set(err, STATUS_INVALID, "accountId is not an account's");
	if (!enroll_is_region(region))
		return err_set(err, STATUS_INVALID, "region is not a region's");
	if (!clock_parse(jdoc_get_text(doc, "pendingTime"), &document->pending_ns))
		return err_set(err, STATUS_INVALID, "pendingTime is not an RFC 3339 time");
	memcpy(document->instance_id, instance_id.ptr, instance_id.len);
	memcpy(document->account_id, account_id.ptr, account_id.len);
	memcpy(document->region, region.ptr, region.len);
	return STATUS_OK;
}

enum status enroll_document_parse(struct span json, struct enroll_document *ret_document, struct err *err)
{
	JDOC_AUTO *doc = NULL;
	enum status status = open_object(json, "document", &doc, err);

	*ret_document = (struct enroll_document){ .pending_ns = 0 };
	return status == STATUS_OK ? read_document(doc, ret_document, err) : status;
}

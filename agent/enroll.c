#include "agent/enroll.h"

#include "agent/credential.h"
#include "agent/instance.h"
#include "agent/link.h"
#include "shared/clock.h"
#include "shared/log.h"

enum { POST_MS = 60 * 1000, REASON_SHOWN = 300 /* bytes of a refusal that are logged */ };

static enum status store(const struct agent_config *config, struct link *link, struct span body,
                         int64_t *ret_renew_in_s, struct err *err)
{
	struct enroll_answer answer;
	enum status status = enroll_answer_parse(body, &answer, err);

	if (status == STATUS_OK)
		status = credential_store(config, answer.certificate, err);
	if (status == STATUS_OK) {
		*ret_renew_in_s = answer.renew_in_s;
		link_works(link);
		log_event(LOG_INFO, "identity.stored", LOG_S("cert", config->identity.cert),
		          LOG_I("renew_in_s", answer.renew_in_s));
	} else {
		log_event(LOG_ERROR, "identity.not_stored", LOG_S("sweeper", link_sweeper(link)), LOG_S("error", err->text));
		link_slow(link);
		status = STATUS_AGAIN;
	}
	enroll_answer_done(&answer);
	return status;
}

static const char *what_to_do(int code)
{
	switch (code) {
	case 401: return "check that the sweeper has AWS's certificate of this region (enroll.certificates)";
	case 403: return "check enroll.accounts and enroll.max_age_s of the sweeper, and the workspace's row";
	case 409: return "if this box is right and the other wrong: rescuectl identity reset WORKSPACE";
	default: return "check that the URL is a sweeper's gate, of this version";
	}
}

enum status enroll_take_answer(const struct agent_config *config, struct link *link, const struct fetch_answer *answer,
                               int64_t *ret_renew_in_s, struct err *err)
{
	struct span reason = span_sub(buf_span(&answer->body), 0, REASON_SHOWN);
	int code = answer->code;

	if (code == 201)
		return store(config, link, buf_span(&answer->body), ret_renew_in_s, err);
	if ((code == 404 && answer->retry_after_s >= 0) || code == 429 || code >= 500) {
		log_event(LOG_INFO, "identity.waiting", LOG_S("sweeper", link_sweeper(link)), LOG_I("code", code),
		          LOG_SPAN("answer", reason));
		link_retry(link, answer->retry_after_s);
		return STATUS_AGAIN;
	}
	if (code == 410)
		return err_set(err, STATUS_CLOSED, "this workspace needs no rescue any more (410)");
	log_event(LOG_ERROR, "identity.refused", LOG_S("sweeper", link_sweeper(link)), LOG_I("code", code),
	          LOG_SPAN("answer", reason), LOG_S("do", what_to_do(code)));
	return err_set(err, STATUS_DENIED, "refused (%d): %.*s; %s", code, SPAN_ARG(reason), what_to_do(code));
}

/* The body of one request. The document is read anew each time: an instance that was stopped has a newer one. */
static enum status make_body(const struct agent_config *config, struct span csr, struct buf *ret_body, struct err *err)
{
	struct instance_proof proof = INSTANCE_PROOF_INIT;
	enum status status = instance_get_proof(config->identity.metadata, &proof, err);
	const struct enroll_request request = { .csr = csr, .document = buf_span(&proof.document),
	                                        .signature = buf_span(&proof.signature) };

	if (status == STATUS_OK)
		status = enroll_request_format(&request, ret_body);
	instance_proof_done(&proof);
	return status;
}

static enum status attempt(const struct agent_config *config, struct link *link, struct span csr,
                           int64_t *ret_renew_in_s, struct err *err)
{
	static const char *const headers[] = { "Content-Type: application/json", NULL };
	BUF_AUTO body = BUF_INIT(LIMIT_ENROLL_BODY);
	struct fetch_answer answer = FETCH_ANSWER_INIT(LIMIT_SWEEPER_ANSWER);
	struct link_call call = { .method = "POST", .path = "/v1/enroll", .headers = headers, .timeout_ms = POST_MS };
	enum status status = link_pause(link);

	if (status == STATUS_OK)
		status = make_body(config, csr, &body, err);
	if (status == STATUS_STOPPED)
		return status;
	if (status != STATUS_OK) {
		link_pace(link);
		log_event(LOG_WARN, "enroll.no_proof", LOG_S("error", err->text), LOG_I("retry_in_ms", link_pause_ms(link)),
		          LOG_S("do", "enrolment needs EC2's metadata service (IMDSv2)"));
		return STATUS_AGAIN;
	}
	call.body = buf_span(&body);
	status = link_try(link, &call, &answer);
	if (status == STATUS_OK)
		status = enroll_take_answer(config, link, &answer, ret_renew_in_s, err);
	buf_done(&answer.body);
	return status;
}

enum status enroll_run(const struct agent_config *config, bool is_patient, int64_t *ret_renew_in_s, struct err *err)
{
	int64_t end_mono_ms = clock_mono_ms() + INT64_C(1000) * LIMIT_ENROLL_WAIT_S;
	BUF_AUTO csr = BUF_INIT(LIMIT_ENROLL_CSR);
	struct link link = { .config = NULL };
	enum status status = credential_request(config, &csr, err);

	if (status == STATUS_OK)
		status = link_init_stranger(&link, config, err);
	if (status == STATUS_OK)
		status = STATUS_AGAIN;
	while (status == STATUS_AGAIN) {
		status = attempt(config, &link, buf_span(&csr), ret_renew_in_s, err);
		if (status == STATUS_DENIED && is_patient) {
			link_slow(&link);
			status = STATUS_AGAIN;
		}
		if (status == STATUS_AGAIN && !is_patient && clock_mono_ms() + link_pause_ms(&link) >= end_mono_ms)
			status = err_set(err, STATUS_TIMEOUT, "no certificate within %d s", LIMIT_ENROLL_WAIT_S);
	}
	link_done(&link);
	return status;
}

/*
 * False: it is another instance's, which is known only when the metadata service answers. A certificate that was not got
 * by enrolling names no instance, and is not ours to judge.
 */
static bool is_of_this_instance(const struct agent_config *config, const struct pki_facts *facts)
{
	struct enroll_document document;
	struct err err = ERR_INIT;

	if (!enroll_is_instance_id(span_cstr(facts->common_name)))
		return true;
	if (instance_get_document(config->identity.metadata, &document, &err) != STATUS_OK) {
		log_event(LOG_WARN, "enroll.no_proof", LOG_S("error", err.text),
		          LOG_S("then", "the certificate that is there is taken"));
		return true;
	}
	return strcmp(document.instance_id, facts->common_name) == 0;
}

/* Seconds until two thirds of the lifetime are over. A clock that is behind does not make it longer than that. */
static int64_t renew_in_s(const struct pki_facts *facts)
{
	int64_t begin_s = facts->not_before_s + LIMIT_ENROLL_SKEW_S;
	int64_t share_s = (facts->not_after_s - begin_s) * 2 / 3;
	int64_t left_s = begin_s + share_s - clock_real_ns() / 1000000000;

	if (left_s > share_s)
		left_s = share_s;
	return left_s > 0 ? left_s : 0;
}

enum status enroll_ensure(const struct agent_config *config, int64_t *ret_renew_in_s, struct err *err)
{
	struct err why = ERR_INIT;
	struct pki_facts facts;
	enum status status = credential_facts(config, &facts, &why);

	if (status == STATUS_OK && !is_of_this_instance(config, &facts)) {
		log_event(LOG_WARN, "identity.foreign", LOG_S("instance_id", facts.common_name),
		          LOG_S("then", "key and certificate came with the disk's image and are dropped"));
		credential_drop(config);
	} else if (status == STATUS_OK && facts.not_after_s > clock_real_ns() / 1000000000) {
		*ret_renew_in_s = renew_in_s(&facts);
		return STATUS_OK;
	}
	log_event(LOG_INFO, "enroll.begin", LOG_S("cert", config->identity.cert),
	          LOG_S("because", status != STATUS_OK ? why.text : "the certificate has ended or is another instance's"));
	return enroll_run(config, true, ret_renew_in_s, err);
}

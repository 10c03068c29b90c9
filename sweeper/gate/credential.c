#include "sweeper/gate/credential.h"

#include "shared/log.h"
#include "sweeper/metrics.h"

enum { KEY_SHOWN = 16 }; /* digits of a key's digest that are logged */

static const struct credential_refusal refusals[] = {
	[LEDGER_BOUND] = { 201, "issued", "" },
	[LEDGER_NO_ROW] = { 404, "no_row", "no workspace names this instance yet: ask again" },
	[LEDGER_TOO_OLD] = { 403, "too_old", "the instance was started too long ago" },
	[LEDGER_TOO_EARLY] = { 403, "too_early", "the document is of the future" },
	[LEDGER_WRONG_STATE] = { 403, "state", "the workspace is not one that may have a certificate now" },
	[LEDGER_OVER] = { 410, "stand_down", "the workspace needs no rescue any more" },
	[LEDGER_SEVERAL_ROWS] = { 403, "several", "several workspaces name this instance" },
	[LEDGER_OTHER_KEY] = { 409, "other_key", "the identity is bound to another key; an operator can reset it" },
};

const struct credential_refusal *credential_refusal(enum ledger_binding binding)
{
	return &refusals[binding];
}

enum status credential_issue(const struct credential *credential, struct ledger *ledger, struct buf *ret_answer,
                             struct err *err)
{
	const struct ledger_identity *identity = credential->identity;
	const struct issue issue = { .csr = credential->csr, .org = credential->org,
	                             .workspace_id = identity->workspace_id, .instance_id = identity->instance_id,
	                             .now_s = identity->now_s };
	BUF_AUTO cert = BUF_INIT(LIMIT_CERT_FILE);
	struct enroll_answer answer = { .renew_in_s = issuer_renew_in_s(credential->issuer) };
	struct pki_facts facts;
	enum status status = issuer_issue(credential->issuer, &issue, &cert, &facts, err);

	if (status == STATUS_OK)
		status = ledger_identity_issued(ledger, identity->workspace_id, credential->key_digest, facts.fingerprint,
		                                facts.not_after_s, err);
	if (status != STATUS_OK)
		return status;
	answer.certificate = buf_span(&cert);
	answer.not_after_ns = facts.not_after_s * 1000000000;
	log_event(LOG_INFO, "identity.issued", LOG_S("org", credential->org), LOG_S("workspace_id", identity->workspace_id),
	          LOG_S("instance_id", identity->instance_id), LOG_S("fingerprint", facts.fingerprint),
	          LOG_SPAN("key", span_sub(span_cstr(credential->key_digest), 0, KEY_SHOWN)),
	          LOG_I("not_after_s", facts.not_after_s));
	return enroll_answer_format(&answer, ret_answer);
}

/* -- renewal ------------------------------------------------------------------------------------------------- */

static void refuse(struct task *task, int code, const char *cause, const char *words)
{
	metrics_add(METRIC_ENROLMENTS, cause, 1);
	log_event(LOG_WARN, "identity.not_renewed", LOG_S("org", task->tenant->org),
	          LOG_S("workspace_id", task->workspace_id), LOG_S("peer", task->peer), LOG_S("cause", cause),
	          LOG_S("reason", words));
	task_answer_error(task, code, words);
}

static void refuse_binding(struct task *task, struct ledger *ledger, const struct ledger_identity *identity,
                           const char *key_digest)
{
	const struct credential_refusal *refusal = credential_refusal(identity->binding);
	struct err err = ERR_INIT;

	if (identity->binding == LEDGER_NO_ROW) {
		refuse(task, 403, "not_enrolled", "this workspace's identity was not enrolled here");
		return;
	}
	if (identity->binding == LEDGER_OTHER_KEY &&
	    ledger_identity_conflict(ledger, identity, key_digest, task->peer, &err) != STATUS_OK)
		log_event(LOG_ERROR, "identity.event_lost", LOG_S("workspace_id", task->workspace_id),
		          LOG_S("error", err.text));
	refuse(task, refusal->code, refusal->cause, refusal->words);
}

static void renew(struct task *task, struct ledger *ledger, const struct issuer *issuer, struct span csr)
{
	char key_digest[DIGEST_HEX_SIZE];
	struct ledger_identity identity;
	const struct credential credential = { .issuer = issuer, .org = task->tenant->org, .identity = &identity,
	                                       .key_digest = key_digest, .csr = csr };
	struct err err = ERR_INIT;
	enum status status;

	if (pki_check_request(csr, key_digest, &err) != STATUS_OK) {
		refuse(task, 401, "bad_request", err.text);
		return;
	}
	status = ledger_renew_identity(ledger, span_cstr(task->workspace_id), key_digest, &identity, &err);
	if (status == STATUS_OK && identity.binding != LEDGER_BOUND) {
		refuse_binding(task, ledger, &identity, key_digest);
		return;
	}
	if (status == STATUS_OK)
		status = credential_issue(&credential, ledger, &task->answer, &err);
	if (status == STATUS_CONFLICT) {
		refuse(task, 403, "not_enrolled", "this workspace's identity was reset");
	} else if (status != STATUS_OK) {
		task_answer_ledger(task, status, &err);
	} else {
		metrics_add(METRIC_ENROLMENTS, "renewed", 1);
		task->code = 201;
	}
}

void credential_renew(struct task *task, struct ledger *ledger)
{
	struct issuer *issuer = issuer_acquire();
	struct enroll_request request;
	struct err err = ERR_INIT;

	if (issuer == NULL) {
		task_answer_error(task, 404, "there is no such thing here");
	} else if (enroll_request_parse(task->body, true, &request, &err) != STATUS_OK) {
		task_answer_error(task, 400, err.text);
	} else {
		renew(task, ledger, issuer, request.csr);
		enroll_request_done(&request);
	}
	issuer_release(issuer);
}

/* -- reset --------------------------------------------------------------------------------------------------- */

void credential_reset(struct task *task, struct ledger *ledger)
{
	struct err err = ERR_INIT;
	enum status status = ledger_identity_reset(ledger, span_cstr(task->id), task->certificate, task->peer, &err);

	if (status == STATUS_NOT_FOUND) {
		task_answer_error(task, 404, "no key is bound to this workspace's identity");
		return;
	}
	if (status != STATUS_OK) {
		task_answer_ledger(task, status, &err);
		return;
	}
	log_event(LOG_WARN, "identity.reset", LOG_S("org", task->tenant->org), LOG_S("workspace_id", task->id),
	          LOG_S("operator", task->certificate), LOG_S("peer", task->peer));
	task_answer_ok(task);
}

#include "sweeper/gate/enroll.h"

#include <stddef.h>
#include <stdlib.h>

#include "shared/clock.h"
#include "shared/log.h"
#include "sweeper/gate/core.h"
#include "sweeper/gate/credential.h"
#include "sweeper/gate/reply.h"
#include "sweeper/metrics.h"

struct enrolling {
	struct conn_work work;
	struct job job;                 /* a question to a tenant's database */
	struct lane *lane;
	struct conn *conn;              /* NULL: it went away while a question is under way */
	struct issuer *issuer;
	struct enroll_request request;
	struct enroll_document document;
	char address[CALLER_ADDRESS_SIZE];
	char key_digest[DIGEST_HEX_SIZE]; /* "" until the certificate request has been checked */
	size_t next_tenant;             /* whose rows have not been counted yet */
	struct gate_tenant *asked;      /* the one the job is for */
	struct gate_tenant *found;      /* the one whose table names the instance */
	bool found_several;
	/* Of the job: */
	enum status status;
	struct err err;
	int64_t count;
	struct ledger_identity identity;
	struct buf answer;
};

#define ENROLLING_OF(member_, pointer_) \
	((struct enrolling *)(void *)((char *)(pointer_) - offsetof(struct enrolling, member_)))

static void ask_next(struct enrolling *enrolling);

static void enrolling_free(struct enrolling *enrolling)
{
	enroll_request_done(&enrolling->request);
	issuer_release(enrolling->issuer);
	buf_done(&enrolling->answer);
	free(enrolling);
}

/* -- answers ------------------------------------------------------------------------------------------------- */

static void answer(struct conn *conn, int code, struct span body, int64_t retry_after_s)
{
	conn_answer(conn, &(struct http1_answer){ .code = code, .content_type = "application/json", .body = body,
	                                          .retry_after_s = retry_after_s });
}

static void answer_error(struct conn *conn, int code, const char *words, int64_t retry_after_s)
{
	BUF_AUTO body = BUF_INIT(LIMIT_ERROR_TEXT * 8);

	reply_error_body(words, &body);
	answer(conn, code, buf_span(&body), retry_after_s);
}

/* Ends an enrolment that was not granted. `cause` is a metric's label. */
static void refuse(struct enrolling *enrolling, int code, const char *cause, const char *words, int64_t retry_after_s)
{
	bool is_passing = code == 404 || code == 429 || code == 503;

	metrics_add(METRIC_ENROLMENTS, cause, 1);
	log_event(is_passing ? LOG_DEBUG : LOG_WARN, "enroll.refused", LOG_S("peer", enrolling->address),
	          LOG_S("instance_id", enrolling->document.instance_id), LOG_S("account", enrolling->document.account_id),
	          LOG_S("cause", cause), LOG_S("reason", words));
	/* The words may be the enrolment's own. */
	answer_error(enrolling->conn, code, words, retry_after_s);
	enrolling_free(enrolling);
}

static void refuse_for_now(struct enrolling *enrolling, const char *words)
{
	refuse(enrolling, 503, "unavailable", words, reply_retry_after_s());
}

/* -- the tenants' databases ---------------------------------------------------------------------------------- */

static bool may_be_of(const struct tenant_config *tenant, const char *account)
{
	for (size_t i = 0; i < tenant->accounts.count; i++) {
		if (strcmp(tenant->accounts.items[i], account) == 0)
			return true;
	}
	return tenant->accounts.count == 0;
}

static size_t count_candidates(const struct enrolling *enrolling)
{
	size_t count = 0;

	for (size_t i = 0; i < enrolling->lane->tenant_count; i++)
		count += may_be_of(enrolling->lane->tenants[i].config, enrolling->document.account_id);
	return count;
}

/* On a worker, since it takes a millisecond. The proof of the key is part of the proof. */
static enum status check_key(struct enrolling *enrolling)
{
	if (enrolling->key_digest[0] != '\0')
		return STATUS_OK;
	if (pki_check_request(enrolling->request.csr, enrolling->key_digest, &enrolling->err) == STATUS_OK)
		return STATUS_OK;
	enrolling->key_digest[0] = '\0';
	return STATUS_DENIED;
}

static void work_on_count(struct job *job, struct ledger *ledger)
{
	struct enrolling *enrolling = ENROLLING_OF(job, job);

	enrolling->status = check_key(enrolling);
	if (enrolling->status == STATUS_OK)
		enrolling->status = ledger_count_instance(ledger, enrolling->document.instance_id, &enrolling->count,
		                                          &enrolling->err);
}

static void work_on_binding(struct job *job, struct ledger *ledger)
{
	struct enrolling *enrolling = ENROLLING_OF(job, job);
	struct ledger_identity *identity = &enrolling->identity;
	const struct credential credential = { .issuer = enrolling->issuer, .org = enrolling->asked->config->org,
	                                       .identity = identity, .key_digest = enrolling->key_digest,
	                                       .csr = enrolling->request.csr };
	struct ledger_proof proof = { .key_digest = enrolling->key_digest, .pending_ns = enrolling->document.pending_ns };
	enum status status = check_key(enrolling);

	memcpy(proof.instance_id, enrolling->document.instance_id, sizeof proof.instance_id);
	if (status == STATUS_OK)
		status = ledger_enroll(ledger, &proof, identity, &enrolling->err);
	if (status == STATUS_OK && identity->binding == LEDGER_BOUND)
		status = credential_issue(&credential, ledger, &enrolling->answer, &enrolling->err);
	else if (status == STATUS_OK && identity->binding == LEDGER_OTHER_KEY)
		status = ledger_identity_conflict(ledger, identity, enrolling->key_digest, enrolling->address,
		                                  &enrolling->err);
	enrolling->status = status;
}

/* True when the job went well; else the enrolment has ended. */
static bool went_well(struct enrolling *enrolling)
{
	if (enrolling->conn == NULL)
		enrolling_free(enrolling);
	else if (enrolling->job.work == NULL)
		refuse_for_now(enrolling, "the sweeper is stopping");
	else if (enrolling->status == STATUS_DENIED)
		refuse(enrolling, 401, "bad_request", enrolling->err.text, 0);
	else if (enrolling->status == STATUS_CONFLICT)
		refuse_for_now(enrolling, "the identity was reset at this moment");
	else if (enrolling->status != STATUS_OK) {
		log_event(LOG_WARN, "gate.ledger_failed", LOG_S("org", enrolling->asked->config->org),
		          LOG_S("id", enrolling->document.instance_id), LOG_S("status", status_name(enrolling->status)),
		          LOG_S("error", enrolling->err.text));
		refuse_for_now(enrolling, "the database cannot be used now");
	} else {
		return true;
	}
	return false;
}

static void on_bound(struct job *job)
{
	struct enrolling *enrolling = ENROLLING_OF(job, job);
	const struct credential_refusal *refusal = credential_refusal(enrolling->identity.binding);
	struct conn *conn = enrolling->conn;

	if (!went_well(enrolling))
		return;
	if (enrolling->identity.binding != LEDGER_BOUND) {
		refuse(enrolling, refusal->code, refusal->cause, refusal->words,
		       enrolling->identity.binding == LEDGER_NO_ROW ? reply_retry_after_s() : 0);
		return;
	}
	metrics_add(METRIC_ENROLMENTS, "issued", 1);
	answer(conn, 201, buf_span(&enrolling->answer), 0);
	enrolling_free(enrolling);
}

static void ask(struct enrolling *enrolling, struct gate_tenant *tenant,
                void (*work)(struct job *job, struct ledger *ledger), void (*done)(struct job *job))
{
	enrolling->asked = tenant;
	enrolling->job = (struct job){ .work = work, .done = done };
	if (jobs_submit(tenant->jobs, &enrolling->job) != STATUS_OK)
		refuse_for_now(enrolling, "too much to do");
}

/*
 * An instance that two tenants' tables name is nobody's: one of them may have been made to catch the other's evidence.
 * For the same reason all must have answered.
 */
static void on_counted(struct job *job)
{
	struct enrolling *enrolling = ENROLLING_OF(job, job);

	if (!went_well(enrolling))
		return;
	if (enrolling->count > 0) {
		enrolling->found_several = enrolling->found != NULL;
		enrolling->found = enrolling->asked;
	}
	ask_next(enrolling);
}

static struct gate_tenant *take_candidate(struct enrolling *enrolling)
{
	struct lane *lane = enrolling->lane;

	while (enrolling->next_tenant < lane->tenant_count) {
		struct gate_tenant *tenant = &lane->tenants[enrolling->next_tenant++];

		if (may_be_of(tenant->config, enrolling->document.account_id))
			return tenant;
	}
	return NULL;
}

static void ask_next(struct enrolling *enrolling)
{
	struct gate_tenant *tenant = enrolling->found_several ? NULL : take_candidate(enrolling);
	const struct credential_refusal *none = credential_refusal(LEDGER_NO_ROW);
	const struct credential_refusal *several = credential_refusal(LEDGER_SEVERAL_ROWS);

	if (tenant != NULL)
		ask(enrolling, tenant, work_on_count, on_counted);
	else if (enrolling->found_several)
		refuse(enrolling, several->code, several->cause, several->words, 0);
	else if (enrolling->found == NULL)
		refuse(enrolling, none->code, none->cause, none->words, reply_retry_after_s());
	else
		ask(enrolling, enrolling->found, work_on_binding, on_bound);
}

static void on_gone(struct conn_work *work)
{
	ENROLLING_OF(work, work)->conn = NULL;
}

/* With a proof that holds. */
static void begin(struct enrolling *enrolling)
{
	size_t candidates = count_candidates(enrolling);

	enrolling->work = (struct conn_work){ .gone = on_gone };
	conn_work_on(enrolling->conn, &enrolling->work);
	if (candidates == 0)
		refuse(enrolling, 403, "account", "no tenant has instances of this account", 0);
	else if (candidates == 1)
		ask(enrolling, take_candidate(enrolling), work_on_binding, on_bound);
	else
		ask_next(enrolling);
}

/* -- the proof ----------------------------------------------------------------------------------------------- */

static bool is_account_allowed(const struct enroll_config *config, const char *account)
{
	for (size_t i = 0; i < config->accounts.count; i++) {
		if (strcmp(config->accounts.items[i], account) == 0)
			return true;
	}
	return false;
}

static void check_proof(struct enrolling *enrolling)
{
	struct lane *lane = enrolling->lane;
	const struct enroll_request *request = &enrolling->request;
	struct enroll_document *document = &enrolling->document;
	struct err err = ERR_INIT;
	int64_t retry_after_s;

	if (enroll_document_parse(request->document, document, &err) != STATUS_OK ||
	    issuer_check_proof(enrolling->issuer, document->region, request->document, request->signature, &err) != STATUS_OK)
		refuse(enrolling, 401, "bad_proof", err.text, 0);
	else if (!is_account_allowed(&lane->config->enroll, document->account_id))
		refuse(enrolling, 403, "account", "instances of this account may not enrol here", 0);
	else if (!rate_take(lane->gate->enroll_by_instance, span_cstr(document->instance_id), clock_mono_ms(), &retry_after_s))
		refuse(enrolling, 429, "limited_instance", "too many requests of this instance", retry_after_s);
	else
		begin(enrolling);
}

bool enroll_is_for(const struct conn *conn, const struct http1_request *request)
{
	return conn_host(conn)->config->enroll.enabled && span_eq(request->path, SPAN_LIT("/v1/enroll"));
}

int enroll_admit(const struct http1_request *request, size_t *ret_max_body, const char **ret_reason)
{
	if (!span_eq(request->method, SPAN_LIT("POST"))) {
		*ret_reason = "this method is not for this path";
		return 405;
	}
	if (request->content_encoding.len > 0 && !span_eq_nocase(request->content_encoding, SPAN_LIT("identity"))) {
		*ret_reason = "this content coding is not understood";
		return 415;
	}
	*ret_max_body = LIMIT_ENROLL_BODY;
	return 0;
}

void enroll_serve(struct conn *conn, const struct http1_request *request)
{
	struct lane *lane = conn_host(conn)->ctx;
	struct enrolling *enrolling = calloc(1, sizeof *enrolling);
	struct err err = ERR_INIT;
	uint8_t network[CALLER_NETWORK_SIZE];
	int64_t retry_after_s;

	if (enrolling == NULL) {
		answer_error(conn, 503, "out of memory", reply_retry_after_s());
		return;
	}
	enrolling->lane = lane;
	enrolling->conn = conn;
	enrolling->issuer = issuer_acquire();
	buf_init(&enrolling->answer, LIMIT_CERT_FILE);
	caller_address(conn_fd(conn), enrolling->address);
	if (!rate_take(lane->gate->enroll_by_address, caller_network(conn_fd(conn), network), clock_mono_ms(), &retry_after_s))
		refuse(enrolling, 429, "limited_address", "too many requests from this address", retry_after_s);
	else if (enroll_request_parse(request->body, false, &enrolling->request, &err) != STATUS_OK)
		refuse(enrolling, 400, "malformed", err.text, 0);
	else
		check_proof(enrolling);
}

#include "sweeper/gate/upload.h"

#include "shared/failpoint.h"
#include "shared/log.h"
#include "sweeper/gate/receive.h"
#include "sweeper/metrics.h"
#include "sweeper/rules.h"

/* What is kept of the capture's row beyond the callback. */
struct row {
	char workspace_id[LIMIT_WORKSPACE_ID + 1];
	char instance_id[LIMIT_INSTANCE_ID + 1];
	enum capture_reason reason;
};

static void keep_row(void *ctx, const struct ledger_capture *capture)
{
	struct row *row = ctx;

	memcpy(row->workspace_id, capture->workspace_id, sizeof row->workspace_id);
	memcpy(row->instance_id, capture->instance_id, sizeof row->instance_id);
	row->reason = capture->reason;
}

static void count_findings(void *ctx, const char *rule, size_t count)
{
	(void)ctx;
	metrics_add(METRIC_GATE_FINDINGS, rule, (int64_t)count);
}

static void log_result(const struct task *task, enum log_level level, const char *event, const char *reason)
{
	log_event(level, event, LOG_S("capture_id", task->id), LOG_S("org", task->tenant->org),
	          LOG_S("workspace_id", task->workspace_id), LOG_I("bytes", task->body.len), LOG_S("reason", reason));
}

/* 422, kept in the capture's row as well: an operator shall see that the box tried. */
static void refuse(struct task *task, struct ledger *ledger, enum status status, const struct err *why)
{
	struct err err = ERR_INIT;
	enum status noted;

	if (status == STATUS_NO_MEMORY) {
		task_answer_error(task, 503, "out of memory");
		return;
	}
	log_result(task, LOG_WARN, "bundle.refused", why->text);
	metrics_add(METRIC_BUNDLES, "refused", 1);
	task_answer_error(task, status == STATUS_TOO_LARGE ? 413 : 422, why->text);
	noted = ledger_refuse(ledger, span_cstr(task->id), span_cstr(task->workspace_id), why->text, &err);
	if (noted != STATUS_OK)
		log_result(task, LOG_WARN, "bundle.refusal_not_noted", err.text);
}

static void answer_stored(struct task *task, int code, const char *result)
{
	struct jdoc *doc = jdoc_object();

	metrics_add(METRIC_BUNDLES, result, 1);
	log_result(task, LOG_INFO, "bundle.received", result);
	if (jdoc_set_bool(doc, "ok", true) && jdoc_set_cstr(doc, "result", result)) {
		task_answer_doc(task, code, doc);
		return;
	}
	jdoc_free(doc);
	task_answer_doc(task, code, NULL);
}

/* Only of what is stored: a bundle that comes twice is counted once. */
static void count_sections(const struct received *received)
{
	for (size_t i = 0; i < OUTCOME_COUNT; i++) {
		if (received->outcomes[i] > 0)
			metrics_add(METRIC_SECTIONS, record_outcome_name((enum record_outcome)i), received->outcomes[i]);
	}
}

static void store(struct task *task, struct ledger *ledger, const struct received *received)
{
	struct err err = ERR_INIT;
	bool same = false;
	enum status status = ledger_store_bundle(ledger, span_cstr(task->id), span_cstr(task->workspace_id),
	                                         received->sha256, buf_span(&received->bundle_gzip), &same, &err);

	if (status == STATUS_OK) {
		count_sections(received);
		answer_stored(task, 201, "stored");
		wake_raise(task->ship_wake);
	} else if (status == STATUS_CONFLICT && same) {
		answer_stored(task, 200, "same");
	} else if (status == STATUS_CONFLICT) {
		metrics_add(METRIC_BUNDLES, "conflict", 1);
		log_result(task, LOG_WARN, "bundle.conflict", "another bundle is stored already");
		task_answer_error(task, 409, "another bundle is stored for this capture already");
	} else {
		task_answer_ledger(task, status, &err);
	}
}

static void receive(struct task *task, struct ledger *ledger, const struct row *row)
{
	const struct receive_expected expected = {
		.org = span_cstr(task->tenant->org),
		.workspace_id = span_cstr(row->workspace_id),
		.capture_id = span_cstr(task->id),
		.instance_id = span_cstr(row->instance_id),
		.reason = row->reason,
	};
	const struct redactor *redactor = rules_acquire();
	struct received received;
	struct err err = ERR_INIT;
	enum status status = receive_bundle(redactor, &expected, task->body, task->gzipped, count_findings, NULL,
	                                    &received, &err);

	rules_release(redactor);
	FAILPOINT("upload.redacted");
	if (status != STATUS_OK) {
		refuse(task, ledger, status, &err);
	} else {
		if (received.findings > 0 || received.withheld > 0)
			log_event(LOG_WARN, "bundle.second_redaction", LOG_S("capture_id", task->id),
			          LOG_S("workspace_id", task->workspace_id), LOG_I("findings", received.findings),
			          LOG_I("withheld", received.withheld));
		store(task, ledger, &received);
	}
	received_done(&received);
}

void upload_run(struct task *task, struct ledger *ledger)
{
	struct row row = { .workspace_id = "" };
	struct err err = ERR_INIT;
	enum status status = ledger_get_capture(ledger, span_cstr(task->id), false, keep_row, &row, &err);

	if (status != STATUS_OK) {
		task_answer_ledger(task, status, &err);
		return;
	}
	if (strcmp(row.workspace_id, task->workspace_id) != 0) {
		metrics_add(METRIC_DENIED, "workspace", 1);
		log_result(task, LOG_WARN, "gate.denied", "the capture is another workspace's");
		task_answer_error(task, 403, "the capture is another workspace's");
		return;
	}
	receive(task, ledger, &row);
}

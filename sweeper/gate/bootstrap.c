#include "sweeper/gate/bootstrap.h"

#include "shared/log.h"
#include "sweeper/gate/log_tail.h"
#include "sweeper/metrics.h"
#include "sweeper/rules.h"

static bool is_text_or_absent(const struct jdoc *doc, const char *key)
{
	struct jdoc *value = jdoc_get(doc, key);

	return value == NULL || jdoc_is_string(value);
}

static void answer(struct task *task, const char *capture_id)
{
	struct jdoc *doc = jdoc_object();
	bool ok = jdoc_set_bool(doc, "ok", true) && (capture_id != NULL ? jdoc_set_cstr(doc, "capture_id", capture_id)
	                                                                 : jdoc_set_bool(doc, "no_change", true));

	if (!ok) {
		jdoc_free(doc);
		doc = NULL;
	}
	task_answer_doc(task, 200, doc);
}

static void give_verdict(struct task *task, struct ledger *ledger, struct span error, struct span log_tail)
{
	struct ledger_verdict verdict;
	struct err err = ERR_INIT;
	enum status status = ledger_bootstrap_failed(ledger, span_cstr(task->id), error, log_tail, &verdict, &err);

	if (status == STATUS_CONFLICT) {
		answer(task, NULL);
	} else if (status != STATUS_OK) {
		task_answer_ledger(task, status, &err);
	} else {
		metrics_add(METRIC_VERDICTS, order_reason_name(REASON_BOOTSTRAP), 1);
		log_event(LOG_INFO, "verdict.bootstrap_failed", LOG_S("capture_id", verdict.capture_id),
		          LOG_S("org", task->tenant->org), LOG_S("workspace_id", verdict.workspace_id));
		answer(task, verdict.capture_id);
		/* A row without an instance has its "unreachable" record to be shipped at once. */
		wake_raise(task->ship_wake);
	}
}

void bootstrap_run(struct task *task, struct ledger *ledger)
{
	BUF_AUTO error = BUF_INIT(LIMIT_LOG_ERROR * 2);
	BUF_AUTO log_tail = BUF_INIT(LIMIT_LOG_TAIL * 2);
	JDOC_AUTO *doc = NULL;
	struct err err = ERR_INIT;
	const struct redactor *redactor;
	enum status status;

	if (jdoc_parse(task->body, &doc, &err) != STATUS_OK) {
		task_answer_error(task, 400, err.text);
		return;
	}
	if (!jdoc_is_object(doc) || !is_text_or_absent(doc, "error") || !is_text_or_absent(doc, "log_tail")) {
		task_answer_error(task, 400, "expected a JSON object with the texts \"error\" and \"log_tail\"");
		return;
	}
	redactor = rules_acquire();
	status = log_tail_keep_first(redactor, jdoc_get_text(doc, "error"), LIMIT_LOG_ERROR, &error);
	if (status == STATUS_OK)
		status = log_tail_keep_last(redactor, jdoc_get_text(doc, "log_tail"), LIMIT_LOG_TAIL, &log_tail);
	rules_release(redactor);
	if (status == STATUS_OK)
		give_verdict(task, ledger, buf_span(&error), buf_span(&log_tail));
	else
		task_answer_error(task, 503, "out of memory");
}

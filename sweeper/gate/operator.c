#include "sweeper/gate/operator.h"

#include "shared/log.h"
#include "sweeper/gate/captures.h"

struct listing {
	const char *org;
	struct jdoc *captures;
	bool ok;
};

static void add_capture(void *ctx, const struct ledger_capture *capture)
{
	struct listing *listing = ctx;

	listing->ok = listing->ok && jdoc_push(listing->captures, captures_to_json(listing->org, capture));
}

void operator_list(struct task *task, struct ledger *ledger)
{
	struct listing listing = { .org = task->tenant->org, .captures = jdoc_array(), .ok = true };
	struct jdoc *doc = jdoc_object();
	struct err err = ERR_INIT;
	enum status status = ledger_list_captures(ledger, span_cstr(task->id), task->limit, add_capture, &listing, &err);

	if (status == STATUS_OK && listing.ok && jdoc_set(doc, "captures", listing.captures)) {
		task_answer_doc(task, 200, doc);
		return;
	}
	if (status != STATUS_OK || !listing.ok)
		jdoc_free(listing.captures);
	jdoc_free(doc);
	if (status != STATUS_OK)
		task_answer_ledger(task, status, &err);
	else
		task_answer_error(task, 503, "out of memory");
}

struct showing {
	const char *org;
	struct buf *out;
	enum status status;
};

static void show_capture(void *ctx, const struct ledger_capture *capture)
{
	struct showing *showing = ctx;
	JDOC_AUTO *doc = captures_to_json(showing->org, capture);

	buf_append_cstr(showing->out, "{\"capture\":");
	showing->status = doc == NULL ? STATUS_NO_MEMORY : jdoc_dump(doc, showing->out);
	buf_append_byte(showing->out, ',');
	if (showing->status == STATUS_OK)
		showing->status = captures_append_records(capture->bundle, showing->out);
	buf_append_byte(showing->out, '}');
}

void operator_show(struct task *task, struct ledger *ledger)
{
	struct showing showing = { .org = task->tenant->org, .out = &task->answer, .status = STATUS_OK };
	struct err err = ERR_INIT;
	enum status status = ledger_get_capture(ledger, span_cstr(task->id), true, show_capture, &showing, &err);

	if (status != STATUS_OK)
		task_answer_ledger(task, status, &err);
	else if (showing.status != STATUS_OK || buf_status(&task->answer) != STATUS_OK)
		task_answer_error(task, 500, "the stored bundle cannot be read");
	else
		task->code = 200;
}

void operator_retry(struct task *task, struct ledger *ledger)
{
	struct err err = ERR_INIT;
	enum status status = ledger_retry(ledger, span_cstr(task->id), &err);

	if (status == STATUS_CONFLICT) {
		task_answer_error(task, 409, "it was shipped and its bundle is no longer kept here: look in Loki");
		return;
	}
	if (status != STATUS_OK) {
		task_answer_ledger(task, status, &err);
		return;
	}
	log_event(LOG_INFO, "capture.retry", LOG_S("capture_id", task->id), LOG_S("org", task->tenant->org));
	wake_raise(task->ship_wake);
	task_answer_ok(task);
}

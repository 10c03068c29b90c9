#include "sweeper/gate/task.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/failpoint.h"
#include "shared/log.h"
#include "sweeper/gate/reply.h"

static void task_free(struct task *task)
{
	http1_parser_free(task->parser);
	bodies_give(&task->body_part);
	buf_done(&task->answer);
	free(task);
}

static void work_on_task(struct job *job, struct ledger *ledger)
{
	struct task *task = (struct task *)job;

	task->run(task, ledger);
}

static void on_done(struct job *job)
{
	struct task *task = (struct task *)job;

	if (job->work == NULL)
		task_answer_error(task, 503, "the sweeper is stopping");
	FAILPOINT("task.answering");
	if (task->conn != NULL)
		conn_answer(task->conn, &(struct http1_answer){ .code = task->code,
		                                                .content_type = "application/json",
		                                                .body = buf_span(&task->answer),
		                                                .retry_after_s = task->retry_after_s });
	FAILPOINT("task.answered");
	task_free(task);
}

static void on_gone(struct conn_work *work)
{
	struct task *task = (struct task *)(void *)((char *)work - offsetof(struct task, work));

	task->conn = NULL;
}

void task_start(struct gate_tenant *tenant, struct conn *conn, const struct task_request *request, task_run *run)
{
	struct task *task = calloc(1, sizeof *task);

	if (task == NULL) {
		reply_error(conn, 503, "out of memory");
		return;
	}
	task->job = (struct job){ .work = work_on_task, .done = on_done };
	task->work = (struct conn_work){ .gone = on_gone };
	task->run = run;
	task->tenant = tenant->config;
	task->ship_wake = tenant->ship_wake;
	task->gzipped = request->gzipped;
	task->limit = request->limit;
	(void)snprintf(task->id, sizeof task->id, "%.*s", SPAN_ARG(request->id));
	memcpy(task->workspace_id, conn_caller(conn)->workspace_id, sizeof task->workspace_id);
	memcpy(task->certificate, conn_caller(conn)->certificate, sizeof task->certificate);
	caller_address(conn_fd(conn), task->peer);
	buf_init(&task->answer, LIMIT_ANSWER_BYTES - LIMIT_HTTP_BODY_SMALL);
	task->parser = conn_take_parser(conn, &task->body_part);
	task->body = http1_parser_request(task->parser)->body;
	if (jobs_submit(tenant->jobs, &task->job) != STATUS_OK) {
		task_free(task);
		reply_error(conn, 503, "too much to do");
		return;
	}
	task->conn = conn;
	conn_work_on(conn, &task->work);
}

void task_answer_error(struct task *task, int code, const char *reason)
{
	task->code = code;
	task->retry_after_s = code == 503 ? reply_retry_after_s() : 0;
	buf_reset(&task->answer);
	reply_error_body(reason, &task->answer);
}

void task_answer_doc(struct task *task, int code, struct jdoc *doc)
{
	buf_reset(&task->answer);
	if (doc == NULL || jdoc_dump(doc, &task->answer) != STATUS_OK)
		task_answer_error(task, 503, "out of memory");
	else
		task->code = code;
	jdoc_free(doc);
}

void task_answer_ok(struct task *task)
{
	buf_reset(&task->answer);
	buf_append_cstr(&task->answer, "{\"ok\":true}");
	task->code = 200;
}

void task_answer_ledger(struct task *task, enum status status, const struct err *err)
{
	if (status == STATUS_NOT_FOUND) {
		task_answer_error(task, 404, "there is no such thing here");
		return;
	}
	log_event(LOG_WARN, "gate.ledger_failed", LOG_S("org", task->tenant->org), LOG_S("id", task->id),
	          LOG_S("status", status_name(status)), LOG_S("error", err->text));
	if (status == STATUS_UNAVAILABLE || status == STATUS_NO_MEMORY || status == STATUS_TIMEOUT)
		task_answer_error(task, 503, "the database cannot be used now");
	else
		task_answer_error(task, 500, "the database refused the request; the sweeper's log says why");
}

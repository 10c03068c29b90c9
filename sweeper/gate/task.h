/*
 * task: one request whose answer needs the ledger: the job that makes it, and the connection that waits for it.
 *
 *   loop: task_start ──▶ worker: run(task, ledger), fills the answer in ──▶ loop: conn_answer
 *
 * When the connection goes away meanwhile the work is still done, and the answer dropped.
 * Thread: task_start is for the loop; `run` and the task_answer functions for the worker.
 */
#ifndef RESCUE_SWEEPER_GATE_TASK_H
#define RESCUE_SWEEPER_GATE_TASK_H

#include "shared/jdoc.h"
#include "sweeper/gate/conn.h"
#include "sweeper/gate/tenant.h"

struct task;
typedef void task_run(struct task *task, struct ledger *ledger);

struct task {
	struct job job;
	struct conn_work work;
	struct conn *conn;            /* NULL: it went away. The loop's alone */
	task_run *run;
	const struct tenant_config *tenant;
	struct wake *ship_wake;
	struct http1_parser *parser;  /* owns the body */
	struct bodies_part body_part;
	struct span body;
	bool gzipped;                 /* the body's content coding */
	char id[LIMIT_WORKSPACE_ID + 1];        /* the workspace or capture of the path, "" without */
	char workspace_id[LIMIT_WORKSPACE_ID + 1]; /* the caller's, "" unless it is a workspace */
	char peer[CALLER_ADDRESS_SIZE];            /* where the caller is */
	char certificate[CALLER_CERTIFICATE_SIZE]; /* which operator it is */
	int64_t limit;
	int code;                     /* the answer */
	int64_t retry_after_s;
	struct buf answer;            /* JSON */
};

/* What a task is made from. */
struct task_request {
	struct span id;
	int64_t limit;
	bool gzipped;
};

/* Answers with 503 itself when it cannot be started. */
void task_start(struct gate_tenant *tenant, struct conn *conn, const struct task_request *request, task_run *run);

void task_answer_error(struct task *task, int code, const char *reason);
/* NULL or a dump that fails is 503. Takes the document over. */
void task_answer_doc(struct task *task, int code, struct jdoc *doc);
/* 200 and {"ok":true}. */
void task_answer_ok(struct task *task);
/* What a failed call of the ledger means for the caller; the words go to the log only. */
void task_answer_ledger(struct task *task, enum status status, const struct err *err);

#endif

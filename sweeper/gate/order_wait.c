#include "sweeper/gate/order_wait.h"

#include <stddef.h>
#include <stdlib.h>

#include "shared/clock.h"
#include "shared/failpoint.h"
#include "shared/log.h"
#include "sweeper/gate/core.h"
#include "sweeper/gate/reply.h"
#include "sweeper/metrics.h"

struct order_wait {
	struct conn_work work;
	struct job job;           /* the look at the table */
	struct held_entry entry;
	struct gate_tenant *tenant;
	struct conn *conn;        /* NULL: it went away while a look is under way */
	char workspace_id[LIMIT_WORKSPACE_ID + 1];
	int64_t until_mono_ms;
	bool looking;             /* the job is the pool's */
	bool look_again;          /* a notification came meanwhile */
	bool holding;             /* the connection is held */
	bool is_last;             /* whatever this look says is the answer */
	/* Of the look: */
	enum status found;
	enum ledger_next next;
	struct order order;
	struct err err;
};

#define WAIT_OF(member_, pointer_) \
	((struct order_wait *)(void *)((char *)(pointer_) - offsetof(struct order_wait, member_)))

/* Takes the wait out of the table; it is not found by notifications any more. */
static void leave(struct order_wait *wait)
{
	if (wait->conn == NULL)
		return;
	held_remove(&wait->tenant->lane->held, &wait->entry);
	wait->tenant->held_count--;
	metrics_add(METRIC_HELD, NULL, -1);
	wait->conn = NULL;
}

/* Ends the wait: the memory goes now, or with the look that is under way. Gives the connection to be answered. */
static struct conn *end(struct order_wait *wait)
{
	struct conn *conn = wait->conn;

	leave(wait);
	if (!wait->looking)
		free(wait);
	return conn;
}

static void answer_empty(struct order_wait *wait, int code)
{
	struct conn *conn = end(wait);

	conn_answer(conn, &(struct http1_answer){ .code = code });
}

static void answer_stand_down(struct order_wait *wait)
{
	log_event(LOG_INFO, "order.stand_down", LOG_S("org", wait->tenant->config->org),
	          LOG_S("workspace_id", wait->workspace_id));
	reply_error(end(wait), 410, "stand down: there is nothing to capture");
}

static void deliver(struct order_wait *wait, const struct order *order)
{
	BUF_AUTO body = BUF_INIT(LIMIT_HTTP_BODY_SMALL);
	struct gate_tenant *tenant = wait->tenant;
	struct order sent = *order;

	sent.ordered_ns = clock_agreed_ns();
	if (order_format(&sent, &body) != STATUS_OK) {
		reply_error(end(wait), 503, "out of memory");
		return;
	}
	log_event(LOG_INFO, "order.delivered", LOG_S("capture_id", sent.capture_id), LOG_S("org", tenant->config->org),
	          LOG_S("workspace_id", sent.workspace_id));
	metrics_add(METRIC_ORDERS_DELIVERED, NULL, 1);
	FAILPOINT("order.answering");
	conn_answer(end(wait), &(struct http1_answer){
		.code = 200, .content_type = "application/json", .body = buf_span(&body) });
	FAILPOINT("order.answered");
	deliveries_note(tenant, sent.capture_id);
}

static void work_on_look(struct job *job, struct ledger *ledger)
{
	struct order_wait *wait = WAIT_OF(job, job);

	wait->found = ledger_next_order(ledger, span_cstr(wait->workspace_id), &wait->next, &wait->order, &wait->err);
}

static void look(struct order_wait *wait)
{
	wait->look_again = false;
	wait->looking = jobs_submit(wait->tenant->jobs, &wait->job) == STATUS_OK;
	/* The poll will find it when there is still time; else the agent comes again. */
	if (!wait->looking && wait->is_last)
		reply_error(end(wait), 503, "too much to do");
}

static void hold(struct order_wait *wait)
{
	if (wait->holding)
		return;
	wait->holding = true;
	conn_hold(wait->conn, &wait->work, wait->until_mono_ms - clock_mono_ms());
}

static void on_looked(struct job *job)
{
	struct order_wait *wait = WAIT_OF(job, job);

	wait->looking = false;
	if (wait->conn == NULL)
		free(wait);
	else if (job->work == NULL)
		reply_error(end(wait), 503, "the sweeper is stopping");
	else if (wait->found == STATUS_OK && wait->next == LEDGER_ORDER)
		deliver(wait, &wait->order);
	else if (wait->found == STATUS_OK && wait->next == LEDGER_STAND_DOWN)
		answer_stand_down(wait);
	else if (wait->look_again)
		look(wait);
	else if (!wait->is_last && !wait->tenant->lane->draining)
		hold(wait);
	else if (wait->found == STATUS_OK)
		answer_empty(wait, 204);
	else
		reply_error(end(wait), 503, "the database cannot be used now");
}

static void on_gone(struct conn_work *work)
{
	(void)end(WAIT_OF(work, work));
}

/* The wait is over: one more look, so that an order whose notification was lost is not missed. */
static void on_expired(struct conn_work *work)
{
	struct order_wait *wait = WAIT_OF(work, work);

	wait->holding = false;
	if (wait->tenant->lane->draining) {
		answer_empty(wait, 204);
		return;
	}
	wait->is_last = true;
	conn_work_on(wait->conn, &wait->work);
	if (!wait->looking)
		look(wait);
}

void order_wait_start(struct gate_tenant *tenant, struct conn *conn, int64_t wait_s)
{
	struct order_wait *wait = calloc(1, sizeof *wait);

	if (wait == NULL) {
		reply_error(conn, 503, "out of memory");
		return;
	}
	memcpy(wait->workspace_id, conn_caller(conn)->workspace_id, sizeof wait->workspace_id);
	wait->tenant = tenant;
	wait->work = (struct conn_work){ .gone = on_gone, .expired = on_expired };
	wait->job = (struct job){ .work = work_on_look, .done = on_looked };
	wait->entry = (struct held_entry){ .tenant = tenant, .workspace_id = span_cstr(wait->workspace_id) };
	wait->until_mono_ms = clock_mono_ms() + wait_s * 1000;
	wait->is_last = wait_s == 0;
	if (held_add(&tenant->lane->held, &wait->entry) != STATUS_OK) {
		free(wait);
		reply_error(conn, 503, "out of memory");
		return;
	}
	wait->conn = conn;
	tenant->held_count++;
	metrics_add(METRIC_HELD, NULL, 1);
	conn_work_on(conn, &wait->work);
	look(wait);
	/* Only a last look ends the wait when it cannot be made. */
	if (wait_s > 0 && !wait->looking)
		hold(wait);
}

/* Calls `each` for all waits of a workspace; it may end the wait that it is given. */
static void each_wait(struct gate_tenant *tenant, struct span workspace_id,
                      void (*each)(struct order_wait *wait, const struct order *order), const struct order *order)
{
	const struct held *held = &tenant->lane->held;
	struct held_entry *entry = held_find(held, tenant, workspace_id, NULL);

	while (entry != NULL) {
		struct held_entry *next = held_find(held, tenant, workspace_id, entry);

		each(WAIT_OF(entry, entry), order);
		entry = next;
	}
}

static void notice(struct order_wait *wait, const struct order *order)
{
	(void)order;
	if (wait->looking)
		wait->look_again = true;
	else
		look(wait);
}

static void offer(struct order_wait *wait, const struct order *order)
{
	if (wait->looking)
		wait->look_again = true;
	else
		deliver(wait, order);
}

void order_wait_notice(struct gate_tenant *tenant, struct span workspace_id)
{
	each_wait(tenant, workspace_id, notice, NULL);
}

void order_wait_offer(struct gate_tenant *tenant, const struct order *order)
{
	each_wait(tenant, span_cstr(order->workspace_id), offer, order);
}

#include "sweeper/gate/tenant.h"

#include <stdlib.h>

#include "shared/clock.h"
#include "shared/failpoint.h"
#include "shared/log.h"
#include "shared/random.h"
#include "sweeper/gate/core.h"
#include "sweeper/gate/order_wait.h"
#include "sweeper/metrics.h"

enum { NOTICES_ONE_BY_ONE = 8, TICK_MS = 2000, PROBE_MS = 5000, READY_MS = 15000 };

struct tenant_job {
	struct job job;
	struct gate_tenant *tenant;
	bool check_schema;
	enum status status;
	struct err err;
	struct order *orders; /* of a scan */
	size_t count, cap;
};

static void scan(struct gate_tenant *tenant);

static enum status submit(struct gate_tenant *tenant, void (*work)(struct job *, struct ledger *),
                          void (*done)(struct job *))
{
	struct tenant_job *at_work = calloc(1, sizeof *at_work);
	enum status status;

	if (at_work == NULL)
		return STATUS_NO_MEMORY;
	at_work->job = (struct job){ .work = work, .done = done };
	at_work->tenant = tenant;
	at_work->check_schema = !tenant->schema_ok;
	status = jobs_submit(tenant->jobs, &at_work->job);
	if (status != STATUS_OK)
		free(at_work);
	return status;
}

/* -- how the database is doing -------------------------------------------------------------------------------- */

static void work_on_probe(struct job *job, struct ledger *ledger)
{
	struct tenant_job *probe = (struct tenant_job *)job;

	probe->status = probe->check_schema ? ledger_check_schema(ledger, &probe->err) : ledger_ping(ledger, &probe->err);
}

/* Only a change is worth a line. */
static void note_answer(struct gate_tenant *tenant, bool is_up, const char *error)
{
	const char *org = tenant->config->org;

	metrics_set(METRIC_DATABASE_UP, org, is_up ? 1 : 0);
	if (is_up)
		tenant->answered_mono_ms = clock_mono_ms();
	if (is_up == tenant->is_up && tenant->was_probed)
		return;
	tenant->is_up = is_up;
	tenant->was_probed = true;
	if (is_up)
		log_event(LOG_INFO, "database.up", LOG_S("org", org));
	else
		log_event(LOG_ERROR, "database.down", LOG_S("org", org), LOG_S("error", error),
		          LOG_S("next", "it is tried again; nothing is lost"));
}

static void on_probed(struct job *job)
{
	struct tenant_job *probe = (struct tenant_job *)job;
	struct gate_tenant *tenant = probe->tenant;

	tenant->probing = false;
	if (job->work != NULL && probe->status == STATUS_OK)
		tenant->schema_ok = true;
	/* A database that was dropped and made anew has to be migrated again. */
	if (job->work != NULL && probe->status != STATUS_OK)
		tenant->schema_ok = false;
	if (job->work != NULL)
		note_answer(tenant, probe->status == STATUS_OK, probe->err.text);
	free(probe);
}

bool tenant_is_ready(const struct gate_tenant *tenant)
{
	return tenant->is_up && tenant->schema_ok && clock_mono_ms() - tenant->answered_mono_ms <= READY_MS;
}

/* -- orders for held agents ----------------------------------------------------------------------------------- */

static void keep_order(void *ctx, const struct order *order)
{
	struct tenant_job *scanning = ctx;

	if (scanning->count == scanning->cap) {
		size_t cap = scanning->cap == 0 ? 64 : scanning->cap * 2;
		struct order *grown = reallocarray(scanning->orders, cap, sizeof *grown);

		/* What does not fit now is found by the next scan. */
		if (grown == NULL)
			return;
		scanning->orders = grown;
		scanning->cap = cap;
	}
	scanning->orders[scanning->count++] = *order;
}

static void work_on_scan(struct job *job, struct ledger *ledger)
{
	struct tenant_job *scanning = (struct tenant_job *)job;

	scanning->status = ledger_open_orders(ledger, keep_order, scanning, &scanning->err);
}

static void on_scanned(struct job *job)
{
	struct tenant_job *scanning = (struct tenant_job *)job;
	struct gate_tenant *tenant = scanning->tenant;
	bool is_stopping = job->work == NULL;

	tenant->scanning = false;
	for (size_t i = 0; i < scanning->count; i++)
		order_wait_offer(tenant, &scanning->orders[i]);
	free(scanning->orders);
	free(scanning);
	if (tenant->scan_again && !is_stopping)
		scan(tenant);
}

static void scan(struct gate_tenant *tenant)
{
	tenant->scan_again = tenant->scanning;
	if (!tenant->scanning && tenant->held_count > 0)
		tenant->scanning = submit(tenant, work_on_scan, on_scanned) == STATUS_OK;
}

static void on_tick(uv_timer_t *timer)
{
	struct gate_tenant *tenant = timer->data;
	int64_t now = clock_mono_ms();

	if (!FAILPOINT_FAILS("gate.no_poll"))
		scan(tenant);
	/* Once a process is enough for these. */
	if (tenant->lane->number > 0)
		return;
	ticket_keys_tick(tenant, now);
	if (!tenant->probing && (!tenant->was_probed || now - tenant->probed_mono_ms >= PROBE_MS)) {
		tenant->probed_mono_ms = now;
		tenant->probing = submit(tenant, work_on_probe, on_probed) == STATUS_OK;
	}
}

/* -- the mailbox ---------------------------------------------------------------------------------------------- */

void tenant_notice(struct gate_tenant *tenant, struct span workspace_id)
{
	(void)pthread_mutex_lock(&tenant->lock);
	if (workspace_id.len > LIMIT_WORKSPACE_ID || tenant->notice_count == LIMIT_NOTICES) {
		tenant->look = true;
	} else {
		struct notice *notice = &tenant->notices[tenant->notice_count++];

		memcpy(notice->workspace_id, workspace_id.ptr, workspace_id.len);
		notice->workspace_id[workspace_id.len] = '\0';
	}
	(void)pthread_mutex_unlock(&tenant->lock);
	(void)uv_async_send(&tenant->heard);
}

void tenant_look(struct gate_tenant *tenant)
{
	(void)pthread_mutex_lock(&tenant->lock);
	tenant->look = true;
	(void)pthread_mutex_unlock(&tenant->lock);
	(void)uv_async_send(&tenant->heard);
}

/*
 * False when the box is empty. The newest goes first, which makes no difference: all are looked at now. Many at once are
 * one look at the table instead of one each.
 */
static bool take_notice(struct gate_tenant *tenant, struct notice *ret_notice, bool *ret_look)
{
	bool taken;

	(void)pthread_mutex_lock(&tenant->lock);
	if (tenant->notice_count > NOTICES_ONE_BY_ONE) {
		tenant->notice_count = 0;
		tenant->look = true;
	}
	taken = tenant->notice_count > 0;
	if (taken)
		*ret_notice = tenant->notices[--tenant->notice_count];
	*ret_look = tenant->look;
	tenant->look = false;
	(void)pthread_mutex_unlock(&tenant->lock);
	return taken;
}

static void on_heard(uv_async_t *async)
{
	struct gate_tenant *tenant = async->data;
	struct notice notice;
	bool look = false, taken = true;

	while (taken) {
		taken = take_notice(tenant, &notice, &look);
		if (look)
			scan(tenant);
		if (taken)
			order_wait_notice(tenant, span_cstr(notice.workspace_id));
	}
}

/* -- life ----------------------------------------------------------------------------------------------------- */

enum status tenant_start(struct gate_tenant *tenant, struct lane *lane, size_t index, struct err *err)
{
	uv_loop_t *loop = &lane->loop;

	*tenant = (struct gate_tenant){ .lane = lane, .index = index, .config = &lane->config->tenants[index],
	                                .ship_wake = &lane->gate->ship_wakes[index] };
	deliveries_init(&tenant->deliveries);
	tenant->notices = calloc(LIMIT_NOTICES, sizeof *tenant->notices);
	if (tenant->notices == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	(void)pthread_mutex_init(&tenant->lock, NULL);
	if (uv_async_init(loop, &tenant->heard, on_heard) != 0)
		return err_set(err, STATUS_SYSTEM, "cannot set up the loop's wake-up");
	(void)uv_timer_init(loop, &tenant->tick);
	tenant->has_handles = true;
	tenant->tick.data = tenant;
	tenant->heard.data = tenant;
	/* The tenants' ticks are spread, so that they do not all wake the machine at once. */
	(void)uv_timer_start(&tenant->tick, on_tick, index == 0 && lane->number == 0 ? 0 : random_below(TICK_MS), TICK_MS);
	return jobs_end_new(lane->gate->jobs[index], loop, &tenant->jobs, err);
}

void tenant_finish(struct gate_tenant *tenant)
{
	if (tenant->jobs != NULL)
		jobs_end_finish(tenant->jobs);
}

void tenant_close(struct gate_tenant *tenant)
{
	jobs_end_close(tenant->jobs);
	tenant->jobs = NULL;
	if (!tenant->has_handles)
		return;
	uv_close((uv_handle_t *)&tenant->tick, NULL);
	uv_close((uv_handle_t *)&tenant->heard, NULL);
	tenant->has_handles = false;
}

void tenant_done(struct gate_tenant *tenant)
{
	deliveries_done(&tenant->deliveries);
	free(tenant->notices);
	tenant->notices = NULL;
}

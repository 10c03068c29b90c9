#include "sweeper/gate/deliveries.h"

#include <stdlib.h>

#include "shared/log.h"
#include "sweeper/gate/tenant.h"

struct noting {
	struct job job;
	struct gate_tenant *tenant;
	struct buf capture_ids;
};

static void start(struct gate_tenant *tenant);

void deliveries_init(struct deliveries *deliveries)
{
	*deliveries = (struct deliveries){ .waiting = BUF_INIT(LIMIT_JOBS_QUEUED * (size_t)CAPTURE_ID_SIZE) };
}

void deliveries_done(struct deliveries *deliveries)
{
	buf_done(&deliveries->waiting);
}

static void work_on_noting(struct job *job, struct ledger *ledger)
{
	struct noting *noting = (struct noting *)job;
	struct err err = ERR_INIT;

	if (ledger_mark_delivered(ledger, buf_span(&noting->capture_ids), &err) != STATUS_OK)
		log_event(LOG_WARN, "order.not_marked", LOG_SPAN("capture_id", buf_span(&noting->capture_ids)),
		          LOG_S("error", err.text));
}

static void on_noted(struct job *job)
{
	struct noting *noting = (struct noting *)job;
	struct gate_tenant *tenant = noting->tenant;
	bool is_stopping = job->work == NULL;

	buf_done(&noting->capture_ids);
	free(noting);
	tenant->deliveries.noting = false;
	if (!is_stopping && tenant->deliveries.waiting.len > 0)
		start(tenant);
}

/* What cannot be noted now goes with the next one. */
static void start(struct gate_tenant *tenant)
{
	struct deliveries *deliveries = &tenant->deliveries;
	struct noting *noting = calloc(1, sizeof *noting);

	if (noting == NULL)
		return;
	noting->job = (struct job){ .work = work_on_noting, .done = on_noted };
	noting->tenant = tenant;
	buf_take(&deliveries->waiting, &noting->capture_ids);
	deliveries->noting = jobs_submit(tenant->jobs, &noting->job) == STATUS_OK;
	if (deliveries->noting)
		return;
	buf_take(&noting->capture_ids, &deliveries->waiting);
	free(noting);
}

void deliveries_note(struct gate_tenant *tenant, const char *capture_id)
{
	struct deliveries *deliveries = &tenant->deliveries;

	if (deliveries->waiting.len > 0)
		buf_append_byte(&deliveries->waiting, ',');
	buf_append_cstr(&deliveries->waiting, capture_id);
	if (buf_status(&deliveries->waiting) != STATUS_OK) {
		log_event(LOG_WARN, "order.not_marked", LOG_S("capture_id", capture_id), LOG_S("error", "too much to do"));
		buf_reset(&deliveries->waiting);
	}
	if (!deliveries->noting && deliveries->waiting.len > 0)
		start(tenant);
}

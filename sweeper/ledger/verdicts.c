#include "shared/jdoc.h"
#include "sweeper/ledger/internal.h"

enum { TIMEOUTS_MAX_BYTES = 4 * 1024 * 1024 };

static const char sweep_error[] = "provisioning timed out — container started but never called /registry/register. "
				  "Check container logs and network connectivity to the platform.";

/* The parameters that record_verdict.sql and announce_verdict.sql share. */
static void add_common(const struct ledger *ledger, enum capture_reason reason, struct params *params)
{
	const struct sweeper_config *config = ledger->config;

	params_cstr(params, order_reason_name(reason));
	params_cstr(params, ledger->tenant->org);
	params_int(params, config->capture.deadline_s);
	params_int(params, config->capture.grace_h);
	params_int(params, config->events.webhook_url[0] != '\0');
	params_cstr(params, config->events.notify_channel);
}

static bool wants_structure_events(const struct ledger *ledger)
{
	return ledger->config->events.structure_events && ledger->connection.has_structure_events;
}

static void read_verdict(const struct rows *rows, int row, enum capture_reason reason,
                         struct ledger_verdict *ret_verdict)
{
	rows_copy(rows, row, 0, ret_verdict->capture_id, sizeof ret_verdict->capture_id);
	rows_copy(rows, row, 1, ret_verdict->workspace_id, sizeof ret_verdict->workspace_id);
	rows_copy(rows, row, 2, ret_verdict->instance_id, sizeof ret_verdict->instance_id);
	ret_verdict->reason = reason;
	ret_verdict->timeout_s = rows_int(rows, row, 3);
}

/* {"hermes":1800}; with an override no runtime has a timeout of its own. */
static enum status format_timeouts(const struct ledger_timeouts *timeouts, struct buf *out)
{
	JDOC_AUTO *object = jdoc_object();
	bool ok = object != NULL;

	for (size_t i = 0; ok && timeouts->override_s == 0 && i < timeouts->runtime_count; i++)
		ok = jdoc_set_int(object, timeouts->runtimes[i].runtime, timeouts->runtimes[i].timeout_s);
	return ok ? jdoc_dump(object, out) : STATUS_NO_MEMORY;
}

static int64_t shortest_timeout_s(const struct ledger_timeouts *timeouts)
{
	int64_t shortest_s = timeouts->override_s != 0 ? timeouts->override_s : timeouts->default_s;

	for (size_t i = 0; timeouts->override_s == 0 && i < timeouts->runtime_count; i++) {
		if (timeouts->runtimes[i].timeout_s < shortest_s)
			shortest_s = timeouts->runtimes[i].timeout_s;
	}
	return shortest_s;
}

enum status ledger_sweep(struct ledger *ledger, const struct ledger_timeouts *timeouts, int64_t batch,
                         ledger_each_verdict *each, void *ctx, int64_t *ret_count, struct err *err)
{
	BUF_AUTO by_runtime = BUF_INIT(TIMEOUTS_MAX_BYTES);
	PARAMS_AUTO params = { .count = 0 };
	ROWS_AUTO rows = { NULL };
	enum status status = format_timeouts(timeouts, &by_runtime);

	*ret_count = 0;
	if (status != STATUS_OK)
		return err_set(err, status, "cannot write down the timeouts");
	add_common(ledger, REASON_SWEEP, &params);
	params_int(&params, timeouts->override_s != 0 ? timeouts->override_s : timeouts->default_s);
	params_int(&params, batch);
	params_text(&params, buf_span(&by_runtime));
	params_cstr(&params, sweep_error);
	params_int(&params, shortest_timeout_s(timeouts));
	/* Opened beforehand, since only an open connection knows whether there are structure_events. */
	status = connection_ready(&ledger->connection, err);
	if (status == STATUS_OK)
		status = connection_run(&ledger->connection,
		                        wants_structure_events(ledger) ? SQL_SWEEP_STRUCTURED : SQL_SWEEP, &params, &rows, err);
	if (status != STATUS_OK)
		return status;
	*ret_count = rows_count(&rows);
	for (int row = 0; row < rows_count(&rows); row++) {
		struct ledger_verdict verdict;

		read_verdict(&rows, row, REASON_SWEEP, &verdict);
		each(ctx, &verdict);
	}
	return STATUS_OK;
}

enum status ledger_bootstrap_failed(struct ledger *ledger, struct span workspace_id, struct span error,
                                    struct span log_tail, struct ledger_verdict *ret_verdict, struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };
	ROWS_AUTO rows = { NULL };
	enum status status;

	add_common(ledger, REASON_BOOTSTRAP, &params);
	params_text(&params, workspace_id);
	params_text(&params, error);
	params_text(&params, log_tail);
	status = connection_ready(&ledger->connection, err);
	if (status == STATUS_OK)
		status = connection_run(&ledger->connection,
		                        wants_structure_events(ledger) ? SQL_BOOTSTRAP_FAILED_STRUCTURED :
		                        SQL_BOOTSTRAP_FAILED, &params, &rows, err);
	if (status != STATUS_OK)
		return status;
	if (rows_count(&rows) == 0)
		return err_set(err, STATUS_NOT_FOUND, "no such workspace");
	if (rows_is_null(&rows, 0, 0))
		return err_set(err, STATUS_CONFLICT, "the workspace is not provisioning");
	read_verdict(&rows, 0, REASON_BOOTSTRAP, ret_verdict);
	return STATUS_OK;
}

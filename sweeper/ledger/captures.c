#include "shared/log.h"
#include "sweeper/ledger/internal.h"

static int give_captures(const struct rows *rows, ledger_each_capture *each, void *ctx)
{
	for (int row = 0; row < rows_count(rows); row++) {
		struct ledger_capture capture;

		ledger_read_capture(rows, row, &capture);
		each(ctx, &capture);
	}
	return rows_count(rows);
}

enum status ledger_get_capture(struct ledger *ledger, struct span capture_id, bool with_bundle,
                               ledger_each_capture *each, void *ctx, struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };
	ROWS_AUTO rows = { NULL };
	enum status status;

	params_text(&params, capture_id);
	params_int(&params, with_bundle);
	if (params_status(&params) == STATUS_INVALID)
		return err_set(err, STATUS_NOT_FOUND, "no such capture");
	status = connection_run(&ledger->connection, SQL_CAPTURE_GET, &params, &rows, err);
	if (status == STATUS_OK && give_captures(&rows, each, ctx) == 0)
		status = err_set(err, STATUS_NOT_FOUND, "no such capture");
	return status;
}

enum status ledger_list_captures(struct ledger *ledger, struct span workspace_id, int64_t limit,
                                 ledger_each_capture *each, void *ctx, struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };
	ROWS_AUTO rows = { NULL };
	enum status status;

	params_int(&params, limit);
	if (workspace_id.len > 0)
		params_text(&params, workspace_id);
	status = connection_run(&ledger->connection,
	                        workspace_id.len > 0 ? SQL_CAPTURES_LIST_WORKSPACE : SQL_CAPTURES_LIST, &params, &rows, err);
	if (status == STATUS_OK)
		(void)give_captures(&rows, each, ctx);
	return status;
}

enum status ledger_store_bundle(struct ledger *ledger, struct span capture_id, struct span workspace_id,
                                const char *sha256, struct span bundle_gzip, bool *ret_same, struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };
	ROWS_AUTO rows = { NULL };
	enum status status;

	*ret_same = false;
	params_text(&params, capture_id);
	params_text(&params, workspace_id);
	params_cstr(&params, sha256);
	params_bytes(&params, bundle_gzip);
	status = connection_run(&ledger->connection, SQL_BUNDLE_STORE, &params, &rows, err);
	if (status != STATUS_OK)
		return status;
	if (rows_count(&rows) == 0)
		return err_set(err, STATUS_NOT_FOUND, "no such capture of this workspace");
	if (rows_int(&rows, 0, 0) == 1)
		return STATUS_OK;
	*ret_same = span_eq(rows_span(&rows, 0, 1), span_cstr(sha256));
	return err_set(err, STATUS_CONFLICT, *ret_same ? "this bundle is stored already" : "another bundle is stored");
}

enum status ledger_refuse(struct ledger *ledger, struct span capture_id, struct span workspace_id, const char *reason,
                          struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };
	ROWS_AUTO rows = { NULL };

	params_text(&params, capture_id);
	params_text(&params, workspace_id);
	params_cstr(&params, reason);
	return connection_run(&ledger->connection, SQL_BUNDLE_REFUSE, &params, &rows, err);
}

enum status ledger_retry(struct ledger *ledger, struct span capture_id, struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };
	ROWS_AUTO rows = { NULL };
	enum status status;

	params_text(&params, capture_id);
	params_int(&params, ledger->config->capture.deadline_s);
	params_int(&params, ledger->config->capture.grace_h);
	status = connection_run(&ledger->connection, SQL_CAPTURE_RETRY, &params, &rows, err);
	if (status != STATUS_OK)
		return status;
	if (rows_count(&rows) == 0)
		return err_set(err, STATUS_NOT_FOUND, "no such capture");
	if (rows_int(&rows, 0, 0) == 0)
		return err_set(err, STATUS_CONFLICT, "the capture is shipped and its bundle no longer kept");
	return STATUS_OK;
}

static enum status store_record(struct ledger *ledger, const struct ledger_capture *capture, struct span bundle_gzip,
                                struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };

	params_cstr(&params, capture->capture_id);
	params_bytes(&params, bundle_gzip);
	return ledger_change(ledger, SQL_UNREACHABLE_STORE, &params, err);
}

/* A record that cannot be made leaves its capture ordered, to be tried again, and does not hold up the others. */
static enum status mark_found(struct ledger *ledger, const struct rows *rows, ledger_make_record *make, void *ctx,
                              int64_t *ret_count, struct err *err)
{
	enum status status = STATUS_OK;

	for (int row = 0; status == STATUS_OK && row < rows_count(rows); row++) {
		BUF_AUTO bundle = BUF_INIT(LIMIT_BUNDLE_GZIP);
		struct ledger_capture capture;
		enum status made;

		ledger_read_capture(rows, row, &capture);
		made = make(ctx, &capture, &bundle);
		if (made != STATUS_OK || buf_status(&bundle) != STATUS_OK) {
			log_event(LOG_ERROR, "unreachable.failed", LOG_S("capture_id", capture.capture_id),
			          LOG_S("workspace_id", capture.workspace_id), LOG_S("status", status_name(made)));
			continue;
		}
		status = store_record(ledger, &capture, buf_span(&bundle), err);
		*ret_count += status == STATUS_OK;
	}
	return status;
}

enum status ledger_mark_unreachable(struct ledger *ledger, int64_t batch, ledger_make_record *make, void *ctx,
                                    int64_t *ret_count, struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };
	ROWS_AUTO rows = { NULL };
	int64_t count = 0;
	enum status status = connection_do(&ledger->connection, SQL_BEGIN, err);

	*ret_count = 0;
	params_int(&params, batch);
	if (status == STATUS_OK)
		status = connection_run(&ledger->connection, SQL_UNREACHABLE_FIND, &params, &rows, err);
	if (status == STATUS_OK)
		status = mark_found(ledger, &rows, make, ctx, &count, err);
	if (status == STATUS_OK)
		status = connection_do(&ledger->connection, SQL_COMMIT, err);
	if (status == STATUS_OK)
		*ret_count = count;
	connection_rollback(&ledger->connection);
	return status;
}

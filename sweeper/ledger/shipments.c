#include "sweeper/ledger/internal.h"

enum status ledger_claim(struct ledger *ledger, const struct ledger_claim *claim, ledger_each_capture *each, void *ctx,
                         struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };
	ROWS_AUTO rows = { NULL };
	enum status status;

	params_cstr(&params, claim->owner);
	params_int(&params, claim->lease_s);
	params_int(&params, claim->max);
	params_cstr(&params, claim->usable_sinks);
	params_cstr(&params, claim->all_sinks);
	params_int(&params, claim->bytes);
	status = connection_run(&ledger->connection, SQL_SHIP_CLAIM, &params, &rows, err);
	for (int row = 0; status == STATUS_OK && row < rows_count(&rows); row++) {
		struct ledger_capture capture;

		ledger_read_capture(&rows, row, &capture);
		each(ctx, &capture);
	}
	return status;
}

enum status ledger_renew(struct ledger *ledger, const char *capture_id, const char *owner, int64_t lease_s,
                         struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };

	params_cstr(&params, capture_id);
	params_cstr(&params, owner);
	params_int(&params, lease_s);
	return ledger_change(ledger, SQL_SHIP_RENEW, &params, err);
}

/* {id,id}: ids are UUIDs, which need no quotes in an array. */
static enum status add_ids(struct params *params, const struct ledger_noted *noted, size_t count)
{
	BUF_AUTO ids = BUF_INIT(2 + count * CAPTURE_ID_SIZE);

	for (size_t i = 0; i < count; i++)
		buf_printf(&ids, "%c%s", i == 0 ? '{' : ',', noted[i].capture_id);
	buf_append_byte(&ids, '}');
	params_text(params, buf_span(&ids));
	return buf_status(&ids);
}

/* Runs a statement that answers which of the captures it changed, and a number for each. */
static enum status note_all(struct ledger *ledger, enum sql sql, const struct params *params, struct ledger_noted *noted,
                            size_t count, struct err *err)
{
	ROWS_AUTO rows = { NULL };
	enum status status = connection_run(&ledger->connection, sql, params, &rows, err);

	for (size_t i = 0; i < count && status == STATUS_OK; i++) {
		noted[i].is_noted = false;
		for (int row = 0; row < rows_count(&rows) && !noted[i].is_noted; row++) {
			noted[i].is_noted = span_eq(rows_span(&rows, row, 0), span_cstr(noted[i].capture_id));
			noted[i].after_ms = rows_int(&rows, row, 1);
		}
	}
	return status;
}

enum status ledger_sink_done(struct ledger *ledger, struct ledger_noted *noted, size_t count, const char *owner,
                             const char *sink, struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };

	if (add_ids(&params, noted, count) != STATUS_OK)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	params_cstr(&params, owner);
	params_cstr(&params, sink);
	return note_all(ledger, SQL_SHIP_SINK_DONE, &params, noted, count, err);
}

enum status ledger_shipped(struct ledger *ledger, struct ledger_noted *noted, size_t count, const char *owner,
                           struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };

	if (add_ids(&params, noted, count) != STATUS_OK)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	params_cstr(&params, owner);
	return note_all(ledger, SQL_SHIP_DONE, &params, noted, count, err);
}

enum status ledger_ship_later(struct ledger *ledger, const char *capture_id, const char *owner, int64_t delay_ms,
                              const char *reason, bool was_tried, struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };

	params_cstr(&params, capture_id);
	params_cstr(&params, owner);
	params_int(&params, delay_ms);
	params_cstr(&params, reason);
	params_int(&params, was_tried);
	return ledger_change(ledger, SQL_SHIP_LATER, &params, err);
}

enum status ledger_rebase(struct ledger *ledger, const char *capture_id, const char *owner, int64_t *ret_base_ns,
                          struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };
	ROWS_AUTO rows = { NULL };
	enum status status;

	params_cstr(&params, capture_id);
	params_cstr(&params, owner);
	status = connection_run(&ledger->connection, SQL_SHIP_REBASE, &params, &rows, err);
	if (status != STATUS_OK)
		return status;
	if (rows_count(&rows) == 0)
		return err_set(err, STATUS_CONFLICT, "the lease is lost");
	*ret_base_ns = rows_int(&rows, 0, 0);
	return STATUS_OK;
}

enum status ledger_backlog(struct ledger *ledger, int64_t *ret_count, int64_t *ret_age_s, struct err *err)
{
	static const struct params none = { .count = 0 };
	ROWS_AUTO rows = { NULL };
	enum status status = connection_run(&ledger->connection, SQL_SHIP_BACKLOG, &none, &rows, err);

	if (status == STATUS_OK) {
		*ret_count = rows_int(&rows, 0, 0);
		*ret_age_s = rows_int(&rows, 0, 1);
	}
	return status;
}

static enum status run_old(struct ledger *ledger, enum sql sql, int64_t keep_s, int64_t batch, struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };
	ROWS_AUTO rows = { NULL };

	params_int(&params, keep_s);
	params_int(&params, batch);
	return connection_run(&ledger->connection, sql, &params, &rows, err);
}

enum status ledger_clear_bundles(struct ledger *ledger, int64_t keep_s, int64_t batch, struct err *err)
{
	return run_old(ledger, SQL_BUNDLES_CLEAR, keep_s, batch, err);
}

enum status ledger_forget(struct ledger *ledger, int64_t keep_s, int64_t batch, struct err *err)
{
	enum status status = run_old(ledger, SQL_IDENTITIES_FORGET, keep_s, batch, err);

	return status == STATUS_OK ? run_old(ledger, SQL_EVENTS_FORGET, keep_s, batch, err) : status;
}

#include "sweeper/ledger/internal.h"

enum status ledger_claim_events(struct ledger *ledger, const char *owner, int64_t lease_s, int64_t max,
                                ledger_each_event *each, void *ctx, struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };
	ROWS_AUTO rows = { NULL };
	enum status status;

	params_cstr(&params, owner);
	params_int(&params, lease_s);
	params_int(&params, max);
	status = connection_run(&ledger->connection, SQL_EVENTS_CLAIM, &params, &rows, err);
	for (int row = 0; status == STATUS_OK && row < rows_count(&rows); row++) {
		struct ledger_event event = { .json = rows_span(&rows, row, 1), .attempts = rows_int(&rows, row, 2) };

		rows_copy(&rows, row, 0, event.event_id, sizeof event.event_id);
		each(ctx, &event);
	}
	return status;
}

enum status ledger_event_done(struct ledger *ledger, const char *event_id, struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };
	ROWS_AUTO rows = { NULL };

	params_cstr(&params, event_id);
	return connection_run(&ledger->connection, SQL_EVENT_DONE, &params, &rows, err);
}

enum status ledger_event_later(struct ledger *ledger, const char *event_id, int64_t delay_ms, const char *reason,
                               struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };
	ROWS_AUTO rows = { NULL };

	params_cstr(&params, event_id);
	params_int(&params, delay_ms);
	params_cstr(&params, reason);
	return connection_run(&ledger->connection, SQL_EVENT_LATER, &params, &rows, err);
}

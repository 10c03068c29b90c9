#include "sweeper/ledger/internal.h"

enum status ledger_claim_console(struct ledger *ledger, int64_t attempts_max, ledger_each_console *each, void *ctx,
                                 int64_t *ret_count, struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };
	ROWS_AUTO rows = { NULL };
	enum status status;

	*ret_count = 0;
	params_int(&params, attempts_max);
	status = connection_run(&ledger->connection, SQL_CONSOLE_CLAIM, &params, &rows, err);
	for (int row = 0; status == STATUS_OK && row < rows_count(&rows); row++) {
		struct ledger_capture capture;

		ledger_read_capture(&rows, row, &capture);
		each(ctx, &capture, rows_int(&rows, row, LEDGER_CAPTURE_COLUMNS));
		++*ret_count;
	}
	return status;
}

enum status ledger_store_console(struct ledger *ledger, const char *capture_id, int64_t attempt,
                                 struct span bundle_gzip, struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };

	params_cstr(&params, capture_id);
	params_int(&params, attempt);
	params_bytes(&params, bundle_gzip);
	return ledger_change(ledger, SQL_CONSOLE_STORE, &params, err);
}

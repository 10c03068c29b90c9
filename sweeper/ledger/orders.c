#include "sweeper/ledger/internal.h"

enum { ROW_COMES_WITHIN_S = 15 * 60, OPEN_ORDERS_MAX = 10000 };

static void read_order(const struct ledger *ledger, const struct rows *rows, int row, struct order *ret_order)
{
	rows_copy(rows, row, 0, ret_order->capture_id, sizeof ret_order->capture_id);
	rows_copy(rows, row, 1, ret_order->workspace_id, sizeof ret_order->workspace_id);
	ret_order->reason = ledger_read_reason(rows, row, 2);
	ret_order->deadline_s = ledger->config->capture.deadline_s;
	ret_order->grace_until_ns = rows_int(rows, row, 3);
}

static enum status note_visit(struct ledger *ledger, struct span workspace_id, struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };
	ROWS_AUTO rows = { NULL };

	params_text(&params, workspace_id);
	return connection_run(&ledger->connection, SQL_VISIT, &params, &rows, err);
}

enum status ledger_next_order(struct ledger *ledger, struct span workspace_id, enum ledger_next *ret_next,
                              struct order *ret_order, struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };
	ROWS_AUTO rows = { NULL };
	enum status status;

	params_text(&params, workspace_id);
	params_text(&params, workspace_id);
	params_int(&params, ROW_COMES_WITHIN_S);
	status = connection_run(&ledger->connection, SQL_NEXT_ORDER, &params, &rows, err);
	if (status == STATUS_NOT_FOUND) {
		/* The platform's ids are UUIDs and this is none: its row will never come. */
		*ret_next = LEDGER_STAND_DOWN;
		return STATUS_OK;
	}
	if (status == STATUS_OK)
		status = note_visit(ledger, workspace_id, err);
	if (status != STATUS_OK)
		return status;
	if (!rows_is_null(&rows, 0, 0)) {
		*ret_next = LEDGER_ORDER;
		read_order(ledger, &rows, 0, ret_order);
	} else {
		*ret_next = rows_int(&rows, 0, 4) != 0 ? LEDGER_WAIT : LEDGER_STAND_DOWN;
	}
	return STATUS_OK;
}

enum status ledger_open_orders(struct ledger *ledger, ledger_each_order *each, void *ctx, struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };
	ROWS_AUTO rows = { NULL };
	enum status status;

	params_int(&params, OPEN_ORDERS_MAX);
	status = connection_run(&ledger->connection, SQL_OPEN_ORDERS, &params, &rows, err);
	for (int row = 0; status == STATUS_OK && row < rows_count(&rows); row++) {
		struct order order;

		read_order(ledger, &rows, row, &order);
		each(ctx, &order);
	}
	return status;
}

enum status ledger_mark_delivered(struct ledger *ledger, struct span capture_ids, struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };
	ROWS_AUTO rows = { NULL };

	params_text(&params, capture_ids);
	params_int(&params, ledger->config->capture.deadline_s);
	return connection_run(&ledger->connection, SQL_MARK_DELIVERED, &params, &rows, err);
}

#include "sweeper/ledger/internal.h"

static const char *const state_names[] = {
	[CAPTURE_ORDERED] = "ordered", [CAPTURE_RECEIVED] = "received", [CAPTURE_SHIPPED] = "shipped",
	[CAPTURE_UNREACHABLE] = "unreachable", [CAPTURE_REFUSED] = "refused",
};

/* In the order of sql/capture_columns.sql. */
enum column {
	COLUMN_CAPTURE_ID, COLUMN_WORKSPACE_ID, COLUMN_INSTANCE_ID, COLUMN_REASON, COLUMN_STATE, COLUMN_REQUESTED,
	COLUMN_DELIVERED, COLUMN_RECEIVED, COLUMN_SHIPPED, COLUMN_DEADLINE, COLUMN_GRACE_UNTIL, COLUMN_NEXT_ATTEMPT,
	COLUMN_ATTEMPTS, COLUMN_SHA256, COLUMN_ENTRY_BASE, COLUMN_SHIPPED_TO, COLUMN_LAST_ERROR, COLUMN_BUNDLE,
};

_Static_assert(COLUMN_BUNDLE + 1 == LEDGER_CAPTURE_COLUMNS, "the columns of a capture are counted in internal.h");

const char *capture_state_name(enum capture_state state)
{
	return state_names[state];
}

static enum capture_state read_state(const struct rows *rows, int row)
{
	struct span name = rows_span(rows, row, COLUMN_STATE);

	/* The table's own check allows no other name. */
	for (size_t i = 0; i < ARRAY_LEN(state_names); i++) {
		if (span_eq(name, span_cstr(state_names[i])))
			return (enum capture_state)i;
	}
	return CAPTURE_ORDERED;
}

enum capture_reason ledger_read_reason(const struct rows *rows, int row, int column)
{
	enum capture_reason reason = REASON_SWEEP;

	/* The table's own check allows no other name. */
	(void)order_reason_parse(rows_span(rows, row, column), &reason);
	return reason;
}

void ledger_read_capture(const struct rows *rows, int row, struct ledger_capture *ret_capture)
{
	struct ledger_capture *capture = ret_capture;

	*capture = (struct ledger_capture){ .reason = ledger_read_reason(rows, row, COLUMN_REASON),
	                                    .state = read_state(rows, row) };
	rows_copy(rows, row, COLUMN_CAPTURE_ID, capture->capture_id, sizeof capture->capture_id);
	rows_copy(rows, row, COLUMN_WORKSPACE_ID, capture->workspace_id, sizeof capture->workspace_id);
	rows_copy(rows, row, COLUMN_INSTANCE_ID, capture->instance_id, sizeof capture->instance_id);
	capture->requested_ns = rows_int(rows, row, COLUMN_REQUESTED);
	capture->delivered_ns = rows_int(rows, row, COLUMN_DELIVERED);
	capture->received_ns = rows_int(rows, row, COLUMN_RECEIVED);
	capture->shipped_ns = rows_int(rows, row, COLUMN_SHIPPED);
	capture->deadline_ns = rows_int(rows, row, COLUMN_DEADLINE);
	capture->grace_until_ns = rows_int(rows, row, COLUMN_GRACE_UNTIL);
	capture->next_attempt_ns = rows_int(rows, row, COLUMN_NEXT_ATTEMPT);
	capture->attempts = rows_int(rows, row, COLUMN_ATTEMPTS);
	rows_copy(rows, row, COLUMN_SHA256, capture->bundle_sha256, sizeof capture->bundle_sha256);
	capture->entry_base_ns = rows_int(rows, row, COLUMN_ENTRY_BASE);
	capture->shipped_to = rows_cstr(rows, row, COLUMN_SHIPPED_TO);
	capture->last_error = rows_cstr(rows, row, COLUMN_LAST_ERROR);
	capture->bundle = rows_span(rows, row, COLUMN_BUNDLE);
}

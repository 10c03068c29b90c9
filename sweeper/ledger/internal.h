/*
 * internal: what a struct ledger is made of. Only used inside ledger/.
 */
#ifndef RESCUE_SWEEPER_LEDGER_INTERNAL_H
#define RESCUE_SWEEPER_LEDGER_INTERNAL_H

#include "sweeper/ledger/connection.h"
#include "sweeper/ledger/ledger.h"

struct ledger {
	const struct sweeper_config *config;
	const struct tenant_config *tenant;
	struct connection connection;
};

/* Runs a statement that changes at most one row. STATUS_CONFLICT when it changed none. */
enum status ledger_change(struct ledger *ledger, enum sql sql, const struct params *params, struct err *err);

/* Reads one row of capture_columns.sql and the bundle behind it. Borrowed from `rows`. */
/* ledger_read_capture takes so many columns, the bundle counted. */
enum { LEDGER_CAPTURE_COLUMNS = 18 };
void ledger_read_capture(const struct rows *rows, int row, struct ledger_capture *ret_capture);

enum capture_reason ledger_read_reason(const struct rows *rows, int row, int column);

#endif

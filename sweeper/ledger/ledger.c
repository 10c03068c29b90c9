#include "sweeper/ledger/internal.h"

#include <stdlib.h>

enum status ledger_new(const struct sweeper_config *config, const struct tenant_config *tenant,
                       struct ledger **ret_ledger)
{
	struct ledger *ledger = calloc(1, sizeof *ledger);
	enum status status;

	*ret_ledger = NULL;
	if (ledger == NULL)
		return STATUS_NO_MEMORY;
	ledger->config = config;
	ledger->tenant = tenant;
	status = connection_init(&ledger->connection, tenant->database, tenant->workspaces_table);
	if (status == STATUS_OK)
		*ret_ledger = ledger;
	else
		ledger_free(ledger);
	return status;
}

void ledger_free(struct ledger *ledger)
{
	if (ledger == NULL)
		return;
	connection_done(&ledger->connection);
	free(ledger);
}

enum status ledger_ping(struct ledger *ledger, struct err *err)
{
	return connection_do(&ledger->connection, SQL_PING, err);
}

enum status ledger_clock(struct ledger *ledger, int64_t *ret_now_ns, struct err *err)
{
	static const struct params none = { .count = 0 };
	ROWS_AUTO rows = { NULL };
	enum status status = connection_run(&ledger->connection, SQL_CLOCK, &none, &rows, err);

	if (status == STATUS_OK)
		*ret_now_ns = rows_int(&rows, 0, 0);
	return status;
}

enum status ledger_change(struct ledger *ledger, enum sql sql, const struct params *params, struct err *err)
{
	ROWS_AUTO rows = { NULL };
	enum status status = connection_run(&ledger->connection, sql, params, &rows, err);

	if (status == STATUS_OK && rows_changed(&rows) == 0)
		status = err_set(err, STATUS_CONFLICT, "statement %s found nothing to change", sql_name(sql));
	return status;
}

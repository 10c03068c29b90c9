#include "sweeper/ledger/internal.h"

static enum status ask_about_table(struct ledger *ledger, enum sql sql, struct rows *ret_rows, struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };

	params_text(&params, buf_span(&ledger->connection.workspaces));
	return connection_run(&ledger->connection, sql, &params, ret_rows, err);
}

/* A script that is a transaction: after a failure it is still open. */
static enum status change_table(struct ledger *ledger, enum sql sql, struct err *err)
{
	enum status status = connection_do(&ledger->connection, sql, err);

	connection_rollback(&ledger->connection);
	return status;
}

static enum status write_settings(struct ledger *ledger, struct err *err)
{
	const struct sweeper_config *config = ledger->config;
	PARAMS_AUTO params = { .count = 0 };

	params_cstr(&params, ledger->tenant->org);
	params_int(&params, config->capture.deadline_s);
	params_int(&params, config->capture.grace_h);
	params_int(&params, config->events.webhook_url[0] != '\0');
	params_cstr(&params, config->events.notify_channel);
	return ledger_change(ledger, SQL_ADOPTION_SETTINGS, &params, err);
}

enum status ledger_adoption_install(struct ledger *ledger, struct err *err)
{
	bool is_installed = false;
	enum status status = write_settings(ledger, err);

	/* Where it is there already, the table need not be locked again. */
	if (status == STATUS_OK)
		status = ledger_adoption_installed(ledger, &is_installed, err);
	if (status == STATUS_OK && !is_installed)
		status = change_table(ledger, SQL_ADOPTION_INSTALL, err);
	return status;
}

enum status ledger_adoption_drop(struct ledger *ledger, struct err *err)
{
	return change_table(ledger, SQL_ADOPTION_DROP, err);
}

enum status ledger_adoption_installed(struct ledger *ledger, bool *ret_installed, struct err *err)
{
	ROWS_AUTO rows = { NULL };
	enum status status = ask_about_table(ledger, SQL_ADOPTION_INSTALLED, &rows, err);

	if (status == STATUS_OK)
		*ret_installed = rows_int(&rows, 0, 0) != 0;
	return status;
}

static const struct {
	enum sql make;
	const char *column;
	const char *condition; /* of an index that holds a part of the rows and serves */
} indexes[] = {
	[LEDGER_INDEX_SWEEP] = { SQL_SWEEP_INDEX, "updated_at", "%'provisioning'%" },
	[LEDGER_INDEX_INSTANCE] = { SQL_INSTANCE_INDEX, "instance_id", "(instance_id IS NOT NULL)" },
};

enum status ledger_index_state(struct ledger *ledger, enum ledger_index index, enum ledger_index_state *ret_state,
                               struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };
	ROWS_AUTO rows = { NULL };
	enum status status;

	params_text(&params, buf_span(&ledger->connection.workspaces));
	params_cstr(&params, indexes[index].column);
	params_cstr(&params, indexes[index].condition);
	status = connection_run(&ledger->connection, SQL_INDEX_STATE, &params, &rows, err);
	if (status != STATUS_OK)
		return status;
	*ret_state = rows_int(&rows, 0, 0) != 0 ? LEDGER_INDEX_THERE :
	             rows_int(&rows, 0, 1) != 0 ? LEDGER_INDEX_BROKEN : LEDGER_INDEX_ABSENT;
	return STATUS_OK;
}

enum status ledger_index_make(struct ledger *ledger, enum ledger_index index, struct err *err)
{
	enum status status = connection_do(&ledger->connection, SQL_NO_TIMEOUTS, err);

	if (status == STATUS_OK)
		status = connection_do(&ledger->connection, indexes[index].make, err);
	/* The session's timeouts come back with a new connection. */
	connection_drop(&ledger->connection);
	return status;
}

enum status ledger_index_statement(struct ledger *ledger, enum ledger_index index, struct buf *out)
{
	BUF_AUTO text = BUF_INIT(out->max);
	struct span rest, line;

	sql_fill(indexes[index].make, buf_cstr(&ledger->connection.workspaces), "", &text);
	rest = buf_span(&text);
	while (span_next_line(&rest, &line)) {
		if (!span_starts_with(line, SPAN_LIT("--")))
			buf_append_span(out, span_sub(line, 0, line.len - 1));
	}
	return buf_status(&text) != STATUS_OK ? buf_status(&text) : buf_status(out);
}

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

enum status ledger_index_state(struct ledger *ledger, enum ledger_index *ret_state, struct err *err)
{
	ROWS_AUTO rows = { NULL };
	enum status status = ask_about_table(ledger, SQL_SWEEP_INDEX_STATE, &rows, err);

	if (status != STATUS_OK)
		return status;
	*ret_state = rows_int(&rows, 0, 0) != 0 ? LEDGER_INDEX_THERE :
	             rows_int(&rows, 0, 1) != 0 ? LEDGER_INDEX_BROKEN : LEDGER_INDEX_ABSENT;
	return STATUS_OK;
}

enum status ledger_index_make(struct ledger *ledger, struct err *err)
{
	enum status status = connection_do(&ledger->connection, SQL_NO_TIMEOUTS, err);

	if (status == STATUS_OK)
		status = connection_do(&ledger->connection, SQL_SWEEP_INDEX, err);
	/* The session's timeouts come back with a new connection. */
	connection_drop(&ledger->connection);
	return status;
}

enum status ledger_index_statement(struct ledger *ledger, struct buf *out)
{
	BUF_AUTO text = BUF_INIT(out->max);
	struct span rest, line;

	sql_fill(SQL_SWEEP_INDEX, buf_cstr(&ledger->connection.workspaces), "", &text);
	rest = buf_span(&text);
	while (span_next_line(&rest, &line)) {
		if (!span_starts_with(line, SPAN_LIT("--")))
			buf_append_span(out, span_sub(line, 0, line.len - 1));
	}
	return buf_status(&text) != STATUS_OK ? buf_status(&text) : buf_status(out);
}

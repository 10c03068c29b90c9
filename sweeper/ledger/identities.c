#include "sweeper/ledger/internal.h"

static const char *const verdict_names[] = {
	[LEDGER_BOUND] = "bound", [LEDGER_NO_ROW] = "no_row", [LEDGER_TOO_OLD] = "old", [LEDGER_TOO_EARLY] = "early",
	[LEDGER_WRONG_STATE] = "state", [LEDGER_OVER] = "over", [LEDGER_SEVERAL_ROWS] = "several",
	[LEDGER_OTHER_KEY] = "other_key",
};

/* The statements know no other names; a wrong one must not let anybody in. */
static enum ledger_binding read_binding(const struct rows *rows)
{
	struct span name = rows_span(rows, 0, 0);

	for (size_t i = 0; i < ARRAY_LEN(verdict_names); i++) {
		if (span_eq(name, span_cstr(verdict_names[i])))
			return (enum ledger_binding)i;
	}
	return LEDGER_WRONG_STATE;
}

enum status ledger_count_instance(struct ledger *ledger, const char *instance_id, int64_t *ret_count, struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };
	ROWS_AUTO rows = { NULL };
	enum status status;

	params_cstr(&params, instance_id);
	status = connection_run(&ledger->connection, SQL_ENROLL_COUNT, &params, &rows, err);
	if (status == STATUS_OK)
		*ret_count = rows_int(&rows, 0, 0);
	return status;
}

enum status ledger_enroll(struct ledger *ledger, const struct ledger_proof *proof, struct ledger_identity *ret_identity,
                          struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };
	ROWS_AUTO rows = { NULL };
	enum status status;

	params_cstr(&params, proof->instance_id);
	params_cstr(&params, proof->key_digest);
	params_int(&params, proof->pending_ns / 1000);
	params_int(&params, ledger->config->enroll.max_age_s);
	params_int(&params, LIMIT_ENROLL_SKEW_S);
	status = connection_run(&ledger->connection, SQL_ENROLL_BIND, &params, &rows, err);
	if (status != STATUS_OK)
		return status;
	ret_identity->binding = read_binding(&rows);
	rows_copy(&rows, 0, 1, ret_identity->workspace_id, sizeof ret_identity->workspace_id);
	memcpy(ret_identity->instance_id, proof->instance_id, sizeof ret_identity->instance_id);
	ret_identity->now_s = rows_int(&rows, 0, 2);
	return STATUS_OK;
}

enum status ledger_renew_identity(struct ledger *ledger, struct span workspace_id, const char *key_digest,
                                  struct ledger_identity *ret_identity, struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };
	ROWS_AUTO rows = { NULL };
	enum status status;

	params_text(&params, workspace_id);
	params_text(&params, workspace_id);
	params_cstr(&params, key_digest);
	status = connection_run(&ledger->connection, SQL_ENROLL_RENEW, &params, &rows, err);
	if (status != STATUS_OK)
		return status;
	ret_identity->binding = read_binding(&rows);
	memcpy(ret_identity->workspace_id, workspace_id.ptr, workspace_id.len);
	ret_identity->workspace_id[workspace_id.len] = '\0';
	rows_copy(&rows, 0, 1, ret_identity->instance_id, sizeof ret_identity->instance_id);
	ret_identity->now_s = rows_int(&rows, 0, 2);
	return STATUS_OK;
}

enum status ledger_identity_issued(struct ledger *ledger, const char *workspace_id, const char *key_digest,
                                   const char *fingerprint, int64_t not_after_s, struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };

	params_cstr(&params, workspace_id);
	params_cstr(&params, key_digest);
	params_cstr(&params, fingerprint);
	params_int(&params, not_after_s);
	return ledger_change(ledger, SQL_ENROLL_ISSUED, &params, err);
}

/* The parameters that identity_event.sql uses, behind the workspace. */
static void add_common(const struct ledger *ledger, struct params *params)
{
	const struct sweeper_config *config = ledger->config;

	params_cstr(params, ledger->tenant->org);
	params_int(params, config->events.webhook_url[0] != '\0');
	params_cstr(params, config->events.notify_channel);
}

static enum status note_structured(struct ledger *ledger, const char *event_id, struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };
	ROWS_AUTO rows = { NULL };

	if (!ledger->config->events.structure_events || !ledger->connection.has_structure_events)
		return STATUS_OK;
	params_cstr(&params, event_id);
	return connection_run(&ledger->connection, SQL_IDENTITY_STRUCTURED, &params, &rows, err);
}

/* One transaction: what happened, its event and the platform's copy. *ret_any: it did happen. */
static enum status raise_event(struct ledger *ledger, enum sql sql, const struct params *params, bool *ret_any,
                               struct err *err)
{
	ROWS_AUTO rows = { NULL };
	enum status status = connection_do(&ledger->connection, SQL_BEGIN, err);

	*ret_any = false;
	if (status == STATUS_OK)
		status = connection_run(&ledger->connection, sql, params, &rows, err);
	if (status == STATUS_OK && rows_count(&rows) > 0)
		status = note_structured(ledger, rows_cstr(&rows, 0, 0), err);
	if (status == STATUS_OK)
		status = connection_do(&ledger->connection, SQL_COMMIT, err);
	if (status == STATUS_OK)
		*ret_any = rows_count(&rows) > 0;
	connection_rollback(&ledger->connection);
	return status;
}

enum status ledger_identity_conflict(struct ledger *ledger, const struct ledger_identity *identity,
                                     const char *key_digest, const char *address, struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };
	bool any;

	params_cstr(&params, identity->workspace_id);
	add_common(ledger, &params);
	params_cstr(&params, identity->instance_id);
	params_cstr(&params, key_digest);
	params_cstr(&params, address);
	return raise_event(ledger, SQL_IDENTITY_CONFLICT, &params, &any, err);
}

enum status ledger_identity_reset(struct ledger *ledger, struct span workspace_id, const char *operator_fingerprint,
                                  const char *address, struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };
	enum status status;
	bool any;

	params_text(&params, workspace_id);
	add_common(ledger, &params);
	params_cstr(&params, operator_fingerprint);
	params_cstr(&params, address);
	status = raise_event(ledger, SQL_IDENTITY_RESET, &params, &any, err);
	return status == STATUS_OK && !any ? err_set(err, STATUS_NOT_FOUND, "the identity is bound to no key") : status;
}

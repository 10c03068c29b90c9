#include "shared/random.h"
#include "sweeper/ledger/internal.h"

static enum status turn(struct ledger *ledger, struct err *err)
{
	uint8_t secrets[2][TLS_TICKET_SECRET_BYTES];
	PARAMS_AUTO params = { .count = 0 };
	ROWS_AUTO rows = { NULL };
	enum status status;

	random_bytes(secrets, sizeof secrets);
	params_int(&params, LIMIT_TICKET_PERIOD_S);
	params_bytes(&params, span_of(secrets[0], sizeof secrets[0]));
	params_bytes(&params, span_of(secrets[1], sizeof secrets[1]));
	status = connection_run(&ledger->connection, SQL_TICKET_KEYS_TURN, &params, &rows, err);
	wipe(secrets, sizeof secrets);
	return status;
}

static bool read_key(const struct rows *rows, int row, struct tls_ticket_key *ret_key)
{
	struct span name = rows_span(rows, row, 0), secret = rows_span(rows, row, 1);

	if (name.len != sizeof ret_key->name || secret.len != sizeof ret_key->secret)
		return false;
	memcpy(ret_key->name, name.ptr, name.len);
	memcpy(ret_key->secret, secret.ptr, secret.len);
	ret_key->begin_ms = rows_int(rows, row, 2);
	ret_key->end_ms = ret_key->begin_ms + 2 * 1000 * (int64_t)LIMIT_TICKET_PERIOD_S;
	return true;
}

enum status ledger_ticket_keys(struct ledger *ledger, struct ledger_ticket_keys *ret_keys, struct err *err)
{
	PARAMS_AUTO params = { .count = 0 };
	ROWS_AUTO rows = { NULL };
	enum status status = turn(ledger, err);

	*ret_keys = (struct ledger_ticket_keys){ .count = 0 };
	params_int(&params, LIMIT_TICKET_KEYS);
	if (status == STATUS_OK)
		status = connection_run(&ledger->connection, SQL_TICKET_KEYS, &params, &rows, err);
	for (int row = 0; status == STATUS_OK && row < rows_count(&rows); row++) {
		ret_keys->count += read_key(&rows, row, &ret_keys->keys[ret_keys->count]);
		ret_keys->now_ms = rows_int(&rows, row, 3);
	}
	return status;
}

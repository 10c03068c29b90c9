#include <inttypes.h>

#include "sweeper/ledger/internal.h"

static enum status read_number(struct ledger *ledger, enum sql sql, int64_t *ret_number, struct err *err)
{
	static const struct params none = { .count = 0 };
	ROWS_AUTO rows = { NULL };
	enum status status = connection_run(&ledger->connection, sql, &none, &rows, err);

	if (status == STATUS_OK)
		*ret_number = rows_int(&rows, 0, 0);
	return status;
}

static enum status refuse_newer(int64_t version, struct err *err)
{
	return err_set(err, STATUS_INVALID,
	               "the database's schema rescue has version %" PRId64 ", and this program knows versions up to %zu; "
	               "run the newer rescue-sweeper", version, sql_migration_count);
}

/* Inside the transaction that holds the advisory lock. */
static enum status apply(struct ledger *ledger, struct err *err)
{
	int64_t version = 0;
	enum status status = read_number(ledger, SQL_SCHEMA_VERSION, &version, err);

	if (status == STATUS_OK && version > (int64_t)sql_migration_count)
		return refuse_newer(version, err);
	while (status == STATUS_OK && version < (int64_t)sql_migration_count) {
		PARAMS_AUTO params = { .count = 0 };

		status = connection_migrate(&ledger->connection, sql_migrations[version], err);
		params_int(&params, ++version);
		if (status == STATUS_OK)
			status = ledger_change(ledger, SQL_SCHEMA_VERSION_ADD, &params, err);
	}
	return status;
}

enum status ledger_migrate(struct ledger *ledger, struct err *err)
{
	enum status status = connection_do(&ledger->connection, SQL_MIGRATE_BEGIN, err);

	if (status == STATUS_OK)
		status = apply(ledger, err);
	if (status == STATUS_OK)
		status = connection_do(&ledger->connection, SQL_COMMIT, err);
	connection_rollback(&ledger->connection);
	return status;
}

enum status ledger_check_schema(struct ledger *ledger, struct err *err)
{
	int64_t exists = 0;
	int64_t version = 0;
	enum status status = read_number(ledger, SQL_SCHEMA_EXISTS, &exists, err);

	if (status == STATUS_OK && exists != 0)
		status = read_number(ledger, SQL_SCHEMA_VERSION, &version, err);
	if (status != STATUS_OK)
		return status;
	if (version > (int64_t)sql_migration_count)
		return refuse_newer(version, err);
	if (version < (int64_t)sql_migration_count)
		return err_set(err, STATUS_INVALID,
		               "the database's schema rescue has version %" PRId64 ", and this program needs %zu; "
		               "run rescue-sweeper migrate", version, sql_migration_count);
	return STATUS_OK;
}

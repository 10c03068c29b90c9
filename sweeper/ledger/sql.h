/*
 * sql: every statement there is, by name. The texts are sql/<name>.sql, compiled in.
 *
 * The platform's two tables are the only part of a text that is not fixed: {workspaces} is the tenant's configured
 * table and {structure_events} that table's neighbour in the same schema. sql_fill, the one place where this
 * happens, puts them in as quoted identifiers; everything else travels as parameters.
 * No I/O. Thread: any.
 */
#ifndef RESCUE_SWEEPER_LEDGER_SQL_H
#define RESCUE_SWEEPER_LEDGER_SQL_H

#include "shared/buf.h"

/* How a statement is run. */
enum sql_mode {
	SQL_PREPARED, /* often: planned once a connection */
	SQL_PLANNED,  /* seldom, or its best plan depends on the parameters: planned each time */
	SQL_SCRIPT,   /* several statements, without parameters */
};

#define SQL_LIST(X) \
	X(SQL_ADOPTION_DROP, adoption_drop, SQL_SCRIPT) \
	X(SQL_ADOPTION_INSTALL, adoption_install, SQL_SCRIPT) \
	X(SQL_ADOPTION_INSTALLED, adoption_installed, SQL_PLANNED) \
	X(SQL_ADOPTION_SETTINGS, adoption_settings, SQL_PLANNED) \
	X(SQL_BEGIN, begin, SQL_SCRIPT) \
	X(SQL_BOOTSTRAP_FAILED, bootstrap_failed, SQL_PREPARED) \
	X(SQL_BOOTSTRAP_FAILED_STRUCTURED, bootstrap_failed_structured, SQL_PREPARED) \
	X(SQL_BUNDLES_CLEAR, bundles_clear, SQL_PLANNED) \
	X(SQL_BUNDLE_REFUSE, bundle_refuse, SQL_PREPARED) \
	X(SQL_BUNDLE_STORE, bundle_store, SQL_PREPARED) \
	X(SQL_CAPTURES_LIST, captures_list, SQL_PLANNED) \
	X(SQL_CAPTURES_LIST_WORKSPACE, captures_list_workspace, SQL_PLANNED) \
	X(SQL_CAPTURE_GET, capture_get, SQL_PREPARED) \
	X(SQL_CAPTURE_RETRY, capture_retry, SQL_PLANNED) \
	X(SQL_CLOCK, clock, SQL_PLANNED) \
	X(SQL_COMMIT, commit, SQL_SCRIPT) \
	X(SQL_CONSOLE_CLAIM, console_claim, SQL_PREPARED) \
	X(SQL_CONSOLE_STORE, console_store, SQL_PREPARED) \
	X(SQL_ENROLL_BIND, enroll_bind, SQL_PLANNED) \
	X(SQL_ENROLL_COUNT, enroll_count, SQL_PLANNED) \
	X(SQL_ENROLL_ISSUED, enroll_issued, SQL_PREPARED) \
	X(SQL_ENROLL_RENEW, enroll_renew, SQL_PREPARED) \
	X(SQL_EVENTS_CLAIM, events_claim, SQL_PREPARED) \
	X(SQL_EVENTS_FORGET, events_forget, SQL_PLANNED) \
	X(SQL_EVENT_DONE, event_done, SQL_PREPARED) \
	X(SQL_EVENT_LATER, event_later, SQL_PREPARED) \
	X(SQL_IDENTITIES_FORGET, identities_forget, SQL_PLANNED) \
	X(SQL_IDENTITY_CONFLICT, identity_conflict, SQL_PLANNED) \
	X(SQL_IDENTITY_RESET, identity_reset, SQL_PLANNED) \
	X(SQL_IDENTITY_STRUCTURED, identity_structured, SQL_PLANNED) \
	X(SQL_INDEX_STATE, index_state, SQL_PLANNED) \
	X(SQL_INSTANCE_INDEX, instance_index, SQL_SCRIPT) \
	X(SQL_LISTEN, listen, SQL_SCRIPT) \
	X(SQL_MARK_DELIVERED, mark_delivered, SQL_PREPARED) \
	X(SQL_MIGRATE_BEGIN, migrate_begin, SQL_SCRIPT) \
	X(SQL_NEXT_ORDER, next_order, SQL_PREPARED) \
	X(SQL_NO_TIMEOUTS, no_timeouts, SQL_SCRIPT) \
	X(SQL_OPEN_ORDERS, open_orders, SQL_PREPARED) \
	X(SQL_PING, ping, SQL_PLANNED) \
	X(SQL_PROBE_STRUCTURE_EVENTS, probe_structure_events, SQL_PLANNED) \
	X(SQL_ROLLBACK, rollback, SQL_SCRIPT) \
	X(SQL_SCHEMA_EXISTS, schema_exists, SQL_PLANNED) \
	X(SQL_SCHEMA_VERSION, schema_version, SQL_PLANNED) \
	X(SQL_SCHEMA_VERSION_ADD, schema_version_add, SQL_PLANNED) \
	X(SQL_SESSION, session, SQL_SCRIPT) \
	X(SQL_SHIP_BACKLOG, ship_backlog, SQL_PREPARED) \
	X(SQL_SHIP_CLAIM, ship_claim, SQL_PREPARED) \
	X(SQL_SHIP_DONE, ship_done, SQL_PREPARED) \
	X(SQL_SHIP_LATER, ship_later, SQL_PREPARED) \
	X(SQL_SHIP_REBASE, ship_rebase, SQL_PREPARED) \
	X(SQL_SHIP_RENEW, ship_renew, SQL_PREPARED) \
	X(SQL_SHIP_SINK_DONE, ship_sink_done, SQL_PREPARED) \
	X(SQL_SWEEP, sweep, SQL_PLANNED) \
	X(SQL_SWEEP_INDEX, sweep_index, SQL_SCRIPT) \
	X(SQL_SWEEP_STRUCTURED, sweep_structured, SQL_PLANNED) \
	X(SQL_TICKET_KEYS, ticket_keys, SQL_PLANNED) \
	X(SQL_TICKET_KEYS_TURN, ticket_keys_turn, SQL_PLANNED) \
	X(SQL_UNREACHABLE_FIND, unreachable_find, SQL_PREPARED) \
	X(SQL_UNREACHABLE_STORE, unreachable_store, SQL_PREPARED) \
	X(SQL_VISIT, visit, SQL_PREPARED)

#define SQL_ENUMERATOR(id, name, mode) id,
enum sql { SQL_LIST(SQL_ENUMERATOR) SQL_COUNT };
#undef SQL_ENUMERATOR

const char *sql_name(enum sql sql);
enum sql_mode sql_mode(enum sql sql);

/* Appends the statement, with the platform's tables as they were quoted by sql_quote_tables. */
void sql_fill(enum sql sql, const char *workspaces, const char *structure_events, struct buf *out);

/*
 * Turns a configured table name (public.workspaces) into a quoted identifier, folded to lower case as SQL does it, and
 * gives the same for structure_events beside it.
 */
void sql_quote_tables(const char *table, struct buf *ret_workspaces, struct buf *ret_structure_events);

/* The steps from an empty schema to this program's, sql/migrations/; version n is the step n - 1. */
extern const char *const sql_migrations[];
extern const size_t sql_migration_count;

#endif

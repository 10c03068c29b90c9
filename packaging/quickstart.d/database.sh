# A PostgreSQL cluster of the quickstart's own: a Unix socket in the temporary folder, no port, no other cluster
# touched. Sourced.
# shellcheck shell=bash

POSTGRES_UP=0

# Runs a server program; PostgreSQL refuses to run as root.
as_postgres() {
	if [ "$(id -u)" = 0 ]; then
		(cd / && runuser -u postgres -- "$@")
	else
		(cd / && "$@")
	fi
}

start_database() {
	local bin=("" /usr/lib/postgresql/*/bin) log=$WORK/postgres.log
	PG_BIN=${bin[-1]}
	[ -x "$PG_BIN/initdb" ] || fail "PostgreSQL is not installed: packaging/install-packages quickstart"
	PG_DIR=$WORK/pg
	mkdir -p "$PG_DIR"
	: >"$log"
	if [ "$(id -u)" = 0 ]; then
		chown postgres: "$PG_DIR" "$log"
	fi
	as_postgres "$PG_BIN/initdb" -D "$PG_DIR/data" -A trust -U postgres -E UTF8 --no-sync >>"$log" 2>&1 ||
		fail_with_log "cannot make a PostgreSQL cluster" "$log"
	{
		echo "listen_addresses = ''"
		echo "unix_socket_directories = '\"${PG_DIR//\'/\'\'}\"'"
		echo "fsync = off"
	} | as_postgres tee -a "$PG_DIR/data/postgresql.conf" >/dev/null
	POSTGRES_UP=1
	as_postgres "$PG_BIN/pg_ctl" -D "$PG_DIR/data" -w -l "$log" start >/dev/null 2>&1 ||
		fail_with_log "PostgreSQL does not start" "$log"
	export PGHOST=$PG_DIR PGUSER=postgres PGDATABASE=$ORG
	unset PGPORT PGSERVICE PGOPTIONS PGPASSWORD PGSSLMODE
	PGDATABASE=postgres sql -c "CREATE DATABASE $ORG"
	make_platform_tables
}

stop_database() {
	[ "$POSTGRES_UP" = 1 ] || return 0
	POSTGRES_UP=0
	as_postgres "$PG_BIN/pg_ctl" -D "$PG_DIR/data" -w -m immediate stop >/dev/null 2>&1 || true
}

sql() {
	psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"
}

# What the platform brings along; Rescue makes nothing but its own schema.
make_platform_tables() {
	sql <<'END'
CREATE TYPE workspace_status AS ENUM ('provisioning', 'online', 'offline', 'degraded', 'failed', 'removed', 'paused',
	'hibernated', 'hibernating', 'awaiting_agent');
CREATE TABLE workspaces (id uuid PRIMARY KEY, status workspace_status, runtime text, instance_id text,
	last_sample_error text, updated_at timestamptz);
CREATE TABLE structure_events (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), event_type text NOT NULL,
	workspace_id uuid, payload jsonb, created_at timestamptz NOT NULL DEFAULT now());
END
}

# A box that began to boot 700 seconds ago and never said a word.
insert_overdue_workspace() {
	sql -c "INSERT INTO workspaces (id, status, runtime, instance_id, updated_at)
		VALUES ('$WORKSPACE', 'provisioning', 'claude-code', '$INSTANCE', now() - interval '700 seconds')"
}

# dump_database FOLDER: everything in it as text, and the stored bundles expanded.
dump_database() {
	pg_dump --no-owner >"$1/database.sql"
	sql -c "SELECT encode(bundle, 'base64') FROM rescue.captures WHERE bundle IS NOT NULL" | base64 -d |
		gzip -dc >"$1/database-bundles.ndjson" 2>/dev/null || true
	[ -s "$1/database-bundles.ndjson" ] || fail "the database holds no bundle to look into"
}

#!/usr/bin/env bash
# Run once by PostgreSQL's image when its volume is empty. Makes the table that the platform has (for a trial; a site
# points sweeper.yaml to its own database) and the sweeper's role with what it needs and nothing more.
set -euo pipefail

psql -v ON_ERROR_STOP=1 -v password="$RESCUE_PASSWORD" --username "${POSTGRES_USER:-postgres}" \
	--dbname "$POSTGRES_DB" <<'SQL'
CREATE TABLE workspaces (
	id                UUID PRIMARY KEY DEFAULT gen_random_uuid(),
	status            TEXT,
	runtime           TEXT,
	instance_id       TEXT,
	last_sample_error TEXT,
	updated_at        TIMESTAMPTZ DEFAULT now()
);
-- What the sweep looks for; `migrate` prints it where it is missing.
CREATE INDEX rescue_provisioning ON workspaces (updated_at) WHERE status = 'provisioning';
CREATE TABLE structure_events (
	id           UUID PRIMARY KEY DEFAULT gen_random_uuid(),
	event_type   TEXT NOT NULL,
	workspace_id UUID,
	payload      JSONB,
	created_at   TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE ROLE rescue LOGIN PASSWORD :'password';
GRANT SELECT, UPDATE ON workspaces TO rescue;
GRANT INSERT ON structure_events TO rescue;
-- For `migrate`, which makes the schema `rescue`.
SELECT format('GRANT CREATE ON DATABASE %I TO rescue', current_database()) \gexec
SQL

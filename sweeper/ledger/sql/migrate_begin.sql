-- One migration at a time, however many replicas start at once: the others wait here and then find nothing to do.
BEGIN;
SET LOCAL statement_timeout = 0;
SET LOCAL lock_timeout = 0;
SELECT pg_advisory_xact_lock(7236284, 1);
-- CREATE SCHEMA IF NOT EXISTS would need the right to create schemas even where one was made beforehand.
DO $$
BEGIN
	IF to_regnamespace('rescue') IS NULL THEN
		CREATE SCHEMA rescue;
	END IF;
END
$$;
CREATE TABLE IF NOT EXISTS rescue.schema_version (
	version    bigint PRIMARY KEY,
	applied_at timestamptz NOT NULL DEFAULT now()
);

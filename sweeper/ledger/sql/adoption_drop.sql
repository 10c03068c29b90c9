BEGIN;
SET LOCAL lock_timeout = '3s';
DROP TRIGGER IF EXISTS rescue_adopt_external ON {workspaces};
COMMIT;

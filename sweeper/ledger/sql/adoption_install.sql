-- Whoever flips a row from provisioning to failed orders its capture. The condition keeps every other change of the
-- table away from the function. Making a trigger waits for whoever writes to the table, and who wants to write waits
-- behind it, so that it gives up early.
BEGIN;
SET LOCAL lock_timeout = '3s';
CREATE OR REPLACE TRIGGER rescue_adopt_external
	AFTER UPDATE ON {workspaces}
	FOR EACH ROW
	WHEN (OLD.status::text = 'provisioning' AND NEW.status::text = 'failed')
	EXECUTE FUNCTION rescue.adopt_external();
COMMIT;

-- Stores an uploaded bundle where none is. One that comes late replaces the unreachable record and ships anew: whoever
-- is shipping that record loses its lease here. Answers the digest that is stored now and whether this call stored it.
WITH capture AS (
	SELECT capture_id, state, bundle_sha256 FROM rescue.captures
	WHERE capture_id = $1::uuid AND workspace_id = $2::text
	FOR UPDATE
), stored AS (
	UPDATE rescue.captures c
	SET state = 'received', received_at = now(), bundle = $4::bytea, bundle_sha256 = $3::text,
	    ship_until = now() + interval '1 hour', shipped_at = NULL, shipped_to = '{}', entry_base_ns = NULL,
	    attempts = 0, next_attempt_at = now(), lease_owner = NULL, lease_until = NULL, last_error = NULL
	FROM capture
	WHERE c.capture_id = capture.capture_id AND c.state IN ('ordered', 'unreachable', 'refused')
	RETURNING c.capture_id
)
SELECT (SELECT count(*) FROM stored)::bigint, coalesce(bundle_sha256, '') FROM capture;

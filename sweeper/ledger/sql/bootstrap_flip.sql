-- Fails the one workspace $7 if it is `provisioning`. Two calls at once, or a call and a sweep, wait for the row's lock
-- here, and the second finds it failed. $8 is the error, $9 the tail of a log.
WITH found AS (
	SELECT w.id FROM {workspaces} w WHERE w.id = $7 FOR UPDATE OF w
), flipped AS (
	UPDATE {workspaces} w
	SET status = 'failed', last_sample_error = $8::text, updated_at = now()
	FROM found
	WHERE w.id = found.id AND w.status = 'provisioning'
	RETURNING gen_random_uuid() AS capture_id, gen_random_uuid() AS event_id, w.id::text AS workspace_id,
	          coalesce(w.instance_id, '') AS instance_id, 0::bigint AS timeout_s,
	          jsonb_build_object('error', $8::text, 'log_tail', $9::text, 'source', $1::text) AS payload
),

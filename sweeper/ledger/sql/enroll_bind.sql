-- Binds the identity of the workspace whose row names the instance $1 to the key $2, if the instance was launched at $3
-- (microseconds since 1970) not more than $4 seconds ago nor more than $5 seconds in the future, by this clock.
-- A first binding needs a row that is `provisioning`. The same key on the same instance may come again, with a document
-- of any age, while the workspace may still have something to tell; later it is told to stand down. Of two keys at once
-- the second waits here for the first, and then finds the identity bound. An identity that was bound on another instance
-- is free again: the platform's row decides.
WITH named AS (
	SELECT w.id::text AS workspace_id, w.status::text AS status,
	       coalesce(i.key_sha256 = $2::text AND i.instance_id = $1::text, false) AS is_known
	FROM {workspaces} w LEFT JOIN rescue.identities i ON i.workspace_id = w.id::text
	WHERE w.instance_id = $1::text
), allowed AS (
	SELECT workspace_id FROM named
	WHERE status = 'provisioning'
	   OR (is_known AND (coalesce(status, 'failed') IN ('failed', 'awaiting_agent')
	                     OR EXISTS (SELECT FROM rescue.captures c
	                                WHERE c.workspace_id = named.workspace_id AND c.state IN ('ordered', 'unreachable')
	                                  AND c.grace_until > now())))
), judged AS (
	SELECT CASE WHEN age_s > $4::bigint AND NOT EXISTS (SELECT FROM named WHERE is_known) THEN 'old'
	            WHEN age_s < -$5::bigint THEN 'early'
	            WHEN NOT EXISTS (SELECT FROM named) THEN 'no_row'
	            WHEN NOT EXISTS (SELECT FROM allowed)
	                 THEN CASE WHEN EXISTS (SELECT FROM named WHERE is_known) THEN 'over' ELSE 'state' END
	            WHEN (SELECT count(*) FROM allowed) > 1 THEN 'several'
	            ELSE 'bound' END AS verdict
	FROM (SELECT extract(epoch FROM now()) - $3::bigint / 1000000.0 AS age_s) AS age
), bound AS (
	INSERT INTO rescue.identities AS i (workspace_id, instance_id, key_sha256)
	SELECT workspace_id, $1::text, $2::text FROM allowed, judged WHERE verdict = 'bound'
	ON CONFLICT (workspace_id) DO UPDATE SET instance_id = excluded.instance_id, key_sha256 = excluded.key_sha256
	WHERE i.key_sha256 IS NULL OR i.key_sha256 = excluded.key_sha256 OR i.instance_id IS DISTINCT FROM excluded.instance_id
	RETURNING i.workspace_id
)
SELECT CASE WHEN verdict = 'bound' AND NOT EXISTS (SELECT FROM bound) THEN 'other_key' ELSE verdict END,
       CASE WHEN verdict = 'bound' THEN (SELECT workspace_id FROM allowed) ELSE '' END,
       floor(extract(epoch FROM now()))::bigint
FROM judged;

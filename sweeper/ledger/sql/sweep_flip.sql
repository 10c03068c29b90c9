-- Flips at most $8 rows that are `provisioning` for longer than their runtime's timeout ($9, an object of seconds by
-- runtime, else $7 seconds) by the database's clock. Rows that another transaction has locked are left for the next
-- sweep. A row that changed after it was scanned is looked at again, once for the lock and once for the flip.
-- A row without updated_at has no age and is never overdue. That a row must be older than the shortest of all timeouts
-- ($11 seconds) follows from the rest and is what an index on updated_at can be asked for.
WITH timeout AS (
	SELECT key AS runtime, value::bigint AS timeout_s FROM jsonb_each_text($9::jsonb)
), overdue AS (
	SELECT w.id, coalesce(t.timeout_s, $7::bigint) AS timeout_s
	FROM {workspaces} w LEFT JOIN timeout t ON t.runtime = coalesce(w.runtime, '')
	WHERE w.status = 'provisioning' AND w.updated_at < now() - make_interval(secs => $11::bigint)
	  AND w.updated_at < now() - make_interval(secs => coalesce(t.timeout_s, $7::bigint))
	LIMIT $8::bigint
	FOR UPDATE OF w SKIP LOCKED
), flipped AS (
	UPDATE {workspaces} w
	SET status = 'failed', last_sample_error = $10::text, updated_at = now()
	FROM overdue o
	WHERE w.id = o.id AND w.status = 'provisioning' AND w.updated_at < now() - make_interval(secs => o.timeout_s)
	RETURNING gen_random_uuid() AS capture_id, gen_random_uuid() AS event_id, w.id::text AS workspace_id,
	          coalesce(w.instance_id, '') AS instance_id, o.timeout_s,
	          jsonb_build_object('error', $10::text, 'timeout_secs', o.timeout_s, 'runtime', coalesce(w.runtime, ''),
	                             'source', $1::text) AS payload
),

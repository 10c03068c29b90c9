-- An operator's retry. A bundle that is not shipped yet is due at once; whoever has the lease keeps it. One that was
-- shipped goes to every sink again; counting it as tried makes a sink be asked first what it still has, perhaps under
-- timestamps from before a new start, so that nothing is doubled. A capture
-- without an agent's bundle is ordered again and its unreachable record, if any, is dropped. $2 is the deadline in
-- seconds, $3 the grace in hours. Answers whether there was anything to do it with.
WITH found AS (
	SELECT capture_id, state, workspace_id, bundle IS NOT NULL AS stored
	FROM rescue.captures WHERE capture_id = $1::uuid FOR UPDATE
), again AS (
	UPDATE rescue.captures c
	SET next_attempt_at = now(), ship_until = now() + make_interval(hours => $3::int)
	FROM found WHERE c.capture_id = found.capture_id AND c.state = 'received'
), anew AS (
	UPDATE rescue.captures c
	SET state = 'received', shipped_at = NULL, shipped_to = '{}', attempts = 1, next_attempt_at = now(),
	    ship_until = now() + make_interval(hours => $3::int)
	FROM found WHERE c.capture_id = found.capture_id AND c.state = 'shipped' AND stored
), reordered AS (
	UPDATE rescue.captures c
	SET state = 'ordered', requested_at = now(), delivered_at = NULL, received_at = NULL, shipped_at = NULL,
	    deadline_at = now() + make_interval(secs => $2::bigint),
	    grace_until = now() + make_interval(hours => $3::int), ship_until = NULL,
	    bundle = NULL, shipped_to = '{}', entry_base_ns = NULL, attempts = 0, next_attempt_at = NULL,
	    lease_owner = NULL, lease_until = NULL, last_error = NULL
	FROM found WHERE c.capture_id = found.capture_id AND c.state IN ('ordered', 'unreachable', 'refused')
	RETURNING pg_notify('rescue_orders', left(c.workspace_id, 128))
)
SELECT (state <> 'shipped' OR stored)::int::bigint, (SELECT count(*) FROM reordered)::bigint FROM found;

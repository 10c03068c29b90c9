-- What every verdict leaves behind. Needs `flipped` (capture_id, event_id, workspace_id, instance_id, payload) and
-- the parameters $1 reason, $2 org, $3 deadline_s, $4 grace_h, $5 whether a webhook wants events.
captured AS (
	-- An order that names no instance can hardly be answered, so its deadline is over at once.
	INSERT INTO rescue.captures (capture_id, workspace_id, org, instance_id, reason, deadline_at, grace_until)
	SELECT capture_id, workspace_id, $2::text, instance_id, $1::text,
	       CASE WHEN instance_id = '' THEN now() ELSE now() + make_interval(secs => $3::bigint) END,
	       now() + make_interval(hours => $4::int)
	FROM flipped
), noted AS (
	-- Without a webhook nothing may stay pending for ever.
	INSERT INTO rescue.events (event_id, workspace_id, capture_id, org, event_type, payload, delivered_at)
	SELECT event_id, workspace_id, capture_id, $2::text, 'WORKSPACE_PROVISION_FAILED', payload,
	       CASE WHEN $5::bigint = 0 THEN now() END
	FROM flipped
)

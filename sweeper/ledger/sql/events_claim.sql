-- Leases the events that are due to $1 for $2 seconds, at most $3, oldest first, each as the webhook's body.
WITH due AS (
	SELECT event_id FROM rescue.events
	WHERE delivered_at IS NULL AND next_attempt_at <= now() AND (lease_until IS NULL OR lease_until <= now())
	ORDER BY next_attempt_at
	LIMIT $3::bigint
	FOR UPDATE SKIP LOCKED
), leased AS (
	UPDATE rescue.events e
	SET lease_owner = $1::text, lease_until = now() + make_interval(secs => $2::bigint)
	FROM due
	WHERE e.event_id = due.event_id
	RETURNING e.*
)
SELECT event_id::text,
       json_build_object('event_type', event_type, 'event_id', event_id, 'workspace_id', workspace_id, 'org', org,
                         'capture_id', capture_id, 'created_at',
                         to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                         'payload', payload)::text,
       attempts
FROM leased
ORDER BY created_at, event_id;

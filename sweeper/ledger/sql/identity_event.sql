-- Makes an event of what `happened` (event_id, event_type, workspace_id, payload), with $2 org, $3 whether a webhook
-- wants events, $4 the channel. A notification holds at most 8,000 bytes, so that the payload stays out of it.
, noted AS (
	INSERT INTO rescue.events (event_id, workspace_id, org, event_type, payload, delivered_at)
	SELECT event_id, workspace_id, $2::text, event_type, payload, CASE WHEN $3::bigint = 0 THEN now() END
	FROM happened
)
SELECT event_id::text,
       pg_notify($4::text, json_build_object('event_type', event_type, 'event_id', event_id, 'workspace_id',
                                             left(workspace_id, 128), 'org', $2::text)::text)::text
FROM happened;

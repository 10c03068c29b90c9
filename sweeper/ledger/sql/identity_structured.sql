-- Copies the event $1 into the platform's own log, which knows UUIDs only.
INSERT INTO {structure_events} (id, event_type, workspace_id, payload, created_at)
SELECT event_id, event_type, workspace_id::uuid, payload, created_at FROM rescue.events
WHERE event_id = $1::uuid AND workspace_id ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';

, structured AS (
	-- The platform's own log of events knows UUIDs only: a verdict on any other id leaves no row there.
	INSERT INTO {structure_events} (id, event_type, workspace_id, payload, created_at)
	SELECT event_id, 'WORKSPACE_PROVISION_FAILED', workspace_id::uuid, payload, now()
	FROM flipped
	WHERE workspace_id ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
)

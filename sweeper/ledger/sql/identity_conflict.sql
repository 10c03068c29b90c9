-- Another key ($6) asked on the instance $5, from the address $7, for the identity of workspace $1. One event in ten
-- minutes for each workspace: whoever asks again and again shall not fill the table.
WITH happened AS (
	UPDATE rescue.identities
	SET refused_at = now()
	WHERE workspace_id = $1::text AND (refused_at IS NULL OR refused_at < now() - interval '10 minutes')
	RETURNING gen_random_uuid() AS event_id, 'WORKSPACE_IDENTITY_CONFLICT'::text AS event_type, workspace_id,
	          jsonb_build_object('error', 'another key asked for the identity of this workspace', 'instance_id',
	                             $5::text, 'key_sha256', $6::text, 'bound_key_sha256', key_sha256, 'address',
	                             $7::text, 'source', 'enroll') AS payload
)
\ir identity_event.sql

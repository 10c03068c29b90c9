-- Frees the identity of workspace $1 for another key, on the word of the operator $5 (a certificate's fingerprint) from
-- the address $6. No row: it was bound to none.
WITH found AS (
	SELECT workspace_id, key_sha256, instance_id FROM rescue.identities
	WHERE workspace_id = $1::text AND key_sha256 IS NOT NULL
	FOR UPDATE
), happened AS (
	UPDATE rescue.identities i
	SET key_sha256 = NULL, instance_id = NULL, fingerprint = NULL, not_after = NULL, refused_at = NULL
	FROM found
	WHERE i.workspace_id = found.workspace_id
	RETURNING gen_random_uuid() AS event_id, 'WORKSPACE_IDENTITY_RESET'::text AS event_type, i.workspace_id,
	          jsonb_build_object('instance_id', found.instance_id, 'key_sha256', found.key_sha256, 'operator',
	                             $5::text, 'address', $6::text, 'source', 'operator') AS payload
)
\ir identity_event.sql

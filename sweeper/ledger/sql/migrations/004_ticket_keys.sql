-- The keys under which TLS sessions are resumed, shared by all replicas. Each begins at a multiple of its period and is
-- followed by the next one; the one before still opens tickets. Whoever can read them can resume sessions as any identity
-- of this tenant.
CREATE TABLE rescue.ticket_keys (
	begins_at timestamptz PRIMARY KEY,
	key_id    uuid NOT NULL DEFAULT gen_random_uuid(),
	secret    bytea NOT NULL CHECK (octet_length(secret) = 32)
);

-- Notes the certificate with the fingerprint $3 and the end $4 (seconds since 1970) of workspace $1, whose identity must
-- still be bound to the key $2: an operator's reset may have come in between.
UPDATE rescue.identities
SET fingerprint = $3::text, not_after = to_timestamp($4::bigint), enrolled_at = now()
WHERE workspace_id = $1::text AND key_sha256 = $2::text;

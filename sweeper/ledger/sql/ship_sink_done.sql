-- The sink $3 has all of these ($1, an array). Answers for which the lease held.
UPDATE rescue.captures
SET shipped_to = CASE WHEN $3::text = ANY (shipped_to) THEN shipped_to ELSE array_append(shipped_to, $3::text) END
WHERE capture_id = ANY ($1::uuid[]) AND lease_owner = $2::text
RETURNING capture_id::text, -1::bigint;

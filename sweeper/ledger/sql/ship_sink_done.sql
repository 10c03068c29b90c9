-- The sink $3 has all of it.
UPDATE rescue.captures
SET shipped_to = CASE WHEN $3::text = ANY (shipped_to) THEN shipped_to ELSE array_append(shipped_to, $3::text) END
WHERE capture_id = $1::uuid AND lease_owner = $2::text;

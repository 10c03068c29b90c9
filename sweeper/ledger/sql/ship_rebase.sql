-- New timestamps. Counting an attempt tells whoever claims the capture after a crash that records may be in a sink
-- under the old ones.
UPDATE rescue.captures
SET entry_base_ns = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 1000, attempts = attempts + 1
WHERE capture_id = $1::uuid AND lease_owner = $2::text
RETURNING entry_base_ns;

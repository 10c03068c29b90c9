-- Leases what is due to the owner $1 for $2 seconds, at most $3 captures, and fixes their first timestamp. Shipping is
-- tried until the grace ends, or until ship_until where that is later.
WITH due AS (
	SELECT capture_id AS due_id FROM rescue.captures
	WHERE bundle IS NOT NULL AND shipped_at IS NULL AND next_attempt_at <= now()
	  AND (lease_until IS NULL OR lease_until <= now()) AND greatest(grace_until, ship_until) > now()
	ORDER BY next_attempt_at
	LIMIT $3::bigint
	FOR UPDATE SKIP LOCKED
)
UPDATE rescue.captures
SET lease_owner = $1::text, lease_until = now() + make_interval(secs => $2::bigint),
    entry_base_ns = coalesce(entry_base_ns, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 1000)
FROM due
WHERE capture_id = due_id
RETURNING
\ir capture_columns.sql
       , bundle;

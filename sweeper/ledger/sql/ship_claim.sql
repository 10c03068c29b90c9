-- Leases what is due to the owner $1 for $2 seconds, at most $3 captures, of which all but the last have bundles of fewer
-- than $6 bytes together, and fixes their first timestamp. Shipping is tried until the grace ends, or until ship_until
-- where that is later. What $1 holds already is due, too: it claims with empty hands, so that these are captures whose
-- claim or result was lost with a connection.
-- What only sinks lack that cannot be used now ($4: those that can, $5: all, comma-separated) is left where it is.
WITH ready AS (
	SELECT capture_id, next_attempt_at, octet_length(bundle)::bigint AS size FROM rescue.captures
	WHERE bundle IS NOT NULL AND shipped_at IS NULL AND next_attempt_at <= now()
	  AND (lease_until IS NULL OR lease_until <= now() OR lease_owner = $1::text)
	  AND greatest(grace_until, ship_until) > now()
	  AND (NOT shipped_to @> string_to_array($4::text, ',') OR shipped_to @> string_to_array($5::text, ','))
	ORDER BY next_attempt_at
	LIMIT $3::bigint
	FOR UPDATE SKIP LOCKED
), summed AS (
	SELECT capture_id AS due_id, sum(size) OVER (ORDER BY next_attempt_at, capture_id) - size AS bytes_before FROM ready
), due AS (
	SELECT due_id FROM summed WHERE bytes_before < $6::bigint
)
UPDATE rescue.captures
SET lease_owner = $1::text, lease_until = now() + make_interval(secs => $2::bigint),
    entry_base_ns = coalesce(entry_base_ns, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 1000)
FROM due
WHERE capture_id = due_id
RETURNING
\ir capture_columns.sql
       , bundle;

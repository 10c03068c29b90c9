-- How much is stored and not shipped, and for how many seconds the oldest of it waits.
SELECT count(*)::bigint,
       coalesce(ceil(extract(epoch FROM now() - min(coalesce(received_at, requested_at)))), 0)::bigint
FROM rescue.captures
WHERE bundle IS NOT NULL AND shipped_at IS NULL;

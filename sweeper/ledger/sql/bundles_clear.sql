-- Drops at most $2 bundles that were shipped more than $1 seconds ago; the rest of the row stays.
UPDATE rescue.captures SET bundle = NULL
WHERE capture_id IN (SELECT capture_id FROM rescue.captures
                     WHERE bundle IS NOT NULL AND shipped_at IS NOT NULL
                       AND shipped_at < now() - make_interval(secs => $1::bigint)
                     LIMIT $2::bigint
                     FOR UPDATE SKIP LOCKED);

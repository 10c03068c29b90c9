-- From the first delivery of each of the captures $1 (ids separated by commas) on, its agent has the time of two captures
-- ($2 seconds) and a minute for its upload.
UPDATE rescue.captures
SET delivered_at = now(),
    deadline_at = greatest(deadline_at, now() + make_interval(secs => 2 * $2::bigint + 60))
WHERE capture_id = ANY (string_to_array($1::text, ',')::uuid[]) AND delivered_at IS NULL AND state IN ('ordered', 'unreachable');

-- Due again after $2 milliseconds, because of $3.
UPDATE rescue.events
SET attempts = attempts + 1, next_attempt_at = now() + make_interval(secs => $2::bigint / 1000.0),
    last_error = $3::text, lease_owner = NULL, lease_until = NULL
WHERE event_id = $1::uuid AND delivered_at IS NULL;

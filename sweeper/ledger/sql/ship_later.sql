-- Not now: due again after $3 milliseconds, because of $4.
UPDATE rescue.captures
SET attempts = attempts + 1, next_attempt_at = now() + make_interval(secs => $3::bigint / 1000.0),
    last_error = $4::text, lease_owner = NULL, lease_until = NULL
WHERE capture_id = $1::uuid AND lease_owner = $2::text;

-- Not now: due again after $3 milliseconds, because of $4. $5: 1 when a sink was tried, so that records may be there.
UPDATE rescue.captures
SET attempts = attempts + $5::bigint, next_attempt_at = now() + make_interval(secs => $3::bigint / 1000.0),
    last_error = CASE state WHEN 'refused' THEN last_error ELSE $4::text END, lease_owner = NULL, lease_until = NULL
WHERE capture_id = $1::uuid AND lease_owner = $2::text;

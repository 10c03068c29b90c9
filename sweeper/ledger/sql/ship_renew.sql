UPDATE rescue.captures
SET lease_until = now() + make_interval(secs => $3::bigint)
WHERE capture_id = $1::uuid AND lease_owner = $2::text;

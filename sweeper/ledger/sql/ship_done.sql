-- Every sink has all of it.
UPDATE rescue.captures
SET state = CASE state WHEN 'received' THEN 'shipped' ELSE state END, shipped_at = now(), next_attempt_at = NULL,
    lease_owner = NULL, lease_until = NULL, last_error = NULL
WHERE capture_id = $1::uuid AND lease_owner = $2::text;

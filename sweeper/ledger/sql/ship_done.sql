-- Every sink has all of these ($1, an array). Answers for which the lease held, and how many milliseconds that is after the
-- verdict; -1 for the record that stands for a bundle. Why one was refused stays.
UPDATE rescue.captures
SET state = CASE state WHEN 'received' THEN 'shipped' ELSE state END, shipped_at = now(), next_attempt_at = NULL,
    lease_owner = NULL, lease_until = NULL,
    last_error = CASE state WHEN 'refused' THEN last_error END
WHERE capture_id = ANY ($1::uuid[]) AND lease_owner = $2::text
RETURNING capture_id::text,
          CASE state WHEN 'shipped' THEN (extract(epoch FROM shipped_at - requested_at) * 1000)::bigint ELSE -1 END;

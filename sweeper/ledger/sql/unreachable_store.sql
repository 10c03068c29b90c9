-- Stores the record that says that no agent came, or that what it sent was refused, to be shipped like a bundle.
UPDATE rescue.captures
SET state = CASE state WHEN 'ordered' THEN 'unreachable' ELSE state END, bundle = $2::bytea, ship_until = now() + interval '1 hour', next_attempt_at = now(),
    console_due_at = now(), console_attempts = 0
WHERE capture_id = $1::uuid AND (state = 'ordered' OR (state = 'refused' AND bundle IS NULL));

-- Notes why an upload was refused, while no bundle of the agent is stored.
UPDATE rescue.captures
SET state = 'refused', last_error = $3::text
WHERE capture_id = $1::uuid AND workspace_id = $2::text AND state IN ('ordered', 'unreachable', 'refused');

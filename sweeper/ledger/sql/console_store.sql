-- Replaces an unreachable record by itself and the console output ($3), which go to every sink again. That counts as
-- tried, so that a sink is asked first what it has, and nothing is doubled. Whoever is shipping the record alone loses its lease here. $2 is
-- the attempt that got it: a later one, an agent's bundle or a retry has taken its place otherwise.
UPDATE rescue.captures
SET bundle = $3::bytea, console_due_at = NULL, shipped_at = NULL, shipped_to = '{}', attempts = 1,
    next_attempt_at = now(), ship_until = now() + interval '1 hour', lease_owner = NULL, lease_until = NULL,
    last_error = NULL
WHERE capture_id = $1::uuid AND state = 'unreachable' AND console_attempts = $2::bigint AND console_due_at IS NOT NULL;

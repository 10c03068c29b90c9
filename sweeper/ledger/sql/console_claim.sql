-- Takes the next capture for which no agent came and whose instance's console output has not been asked for, or not
-- got. $1 is how often that is tried. The next try is due later and later; whoever is killed at it is followed by
-- another one then.
WITH due AS (
	SELECT capture_id AS due_id FROM rescue.captures
	WHERE console_due_at <= now() AND state = 'unreachable' AND console_attempts < $1::bigint
	  AND bundle IS NOT NULL AND instance_id <> '' AND grace_until > now()
	ORDER BY console_due_at
	LIMIT 1
	FOR UPDATE SKIP LOCKED
)
UPDATE rescue.captures
SET console_attempts = console_attempts + 1,
    console_due_at = now() + interval '30 seconds' * power(2, console_attempts)
FROM due
WHERE capture_id = due_id
RETURNING
\ir capture_columns.sql
       , bundle, console_attempts;

-- When the console output of an unreachable capture's instance is next asked for (console_fallback); NULL: not any more.
ALTER TABLE rescue.captures
	ADD COLUMN console_due_at timestamptz,
	ADD COLUMN console_attempts bigint NOT NULL DEFAULT 0;
CREATE INDEX captures_console ON rescue.captures (console_due_at)
	WHERE console_due_at IS NOT NULL AND state = 'unreachable';

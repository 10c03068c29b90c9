-- Lets the sweep read what is overdue instead of every row. It holds only rows that are provisioning, so that it stays
-- small however large the table becomes. CONCURRENTLY lets the platform go on writing meanwhile.
CREATE INDEX CONCURRENTLY IF NOT EXISTS rescue_provisioning ON {workspaces} (updated_at) WHERE status = 'provisioning';

-- Lets an enrolment find the workspace of an instance without reading every row.
CREATE INDEX CONCURRENTLY IF NOT EXISTS rescue_instance ON {workspaces} (instance_id) WHERE instance_id IS NOT NULL;

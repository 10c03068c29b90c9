-- Captures whose bundle was refused get a record that says so, once their deadline is over.
CREATE INDEX captures_refused ON rescue.captures (deadline_at) WHERE state = 'refused' AND bundle IS NULL;

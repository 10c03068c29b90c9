-- As sweep.sql, for a database that has the platform's structure_events.
\ir sweep_flip.sql
\ir record_verdict.sql
\ir record_structure_event.sql
\ir announce_verdict.sql
FROM flipped v;

-- As bootstrap_failed.sql, for a database that has the platform's structure_events.
\ir bootstrap_flip.sql
\ir record_verdict.sql
\ir record_structure_event.sql
\ir announce_verdict.sql
FROM found LEFT JOIN flipped v ON true;

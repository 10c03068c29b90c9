-- No row: there is no such workspace. A row of NULLs: it is not `provisioning`.
\ir bootstrap_flip.sql
\ir record_verdict.sql
\ir announce_verdict.sql
FROM found LEFT JOIN flipped v ON true;

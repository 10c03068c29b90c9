\ir sweep_flip.sql
\ir record_verdict.sql
\ir announce_verdict.sql
FROM flipped v;

-- Orders that were not answered in time. Locked until the transaction ends; other replicas take others.
SELECT
\ir capture_columns.sql
       , NULL::bytea
FROM rescue.captures
WHERE state = 'ordered' AND deadline_at <= now()
ORDER BY deadline_at
LIMIT $1::bigint
FOR UPDATE SKIP LOCKED;

-- Orders that were not answered in time, or with bundles that were refused only. Locked until the transaction ends; other replicas take others.
SELECT
\ir capture_columns.sql
       , NULL::bytea
FROM rescue.captures
WHERE (state = 'ordered' OR (state = 'refused' AND bundle IS NULL)) AND deadline_at <= now()
ORDER BY deadline_at
LIMIT $1::bigint
FOR UPDATE SKIP LOCKED;

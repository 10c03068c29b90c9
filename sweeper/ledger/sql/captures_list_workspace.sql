-- The newest captures of one workspace ($2).
SELECT
\ir capture_columns.sql
       , NULL::bytea
FROM rescue.captures
WHERE workspace_id = $2::text
ORDER BY requested_at DESC, capture_id
LIMIT $1::bigint;

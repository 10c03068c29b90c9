-- The newest captures of all workspaces.
SELECT
\ir capture_columns.sql
       , NULL::bytea
FROM rescue.captures
ORDER BY requested_at DESC, capture_id
LIMIT $1::bigint;

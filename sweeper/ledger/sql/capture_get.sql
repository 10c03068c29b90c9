-- One capture; with its bundle when $2 is 1.
SELECT
\ir capture_columns.sql
       , CASE WHEN $2::bigint = 1 THEN bundle END
FROM rescue.captures
WHERE capture_id = $1::uuid;

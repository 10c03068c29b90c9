-- Whether the platform's table ($1, quoted name) has an index that begins with the column $2 and serves, whoever made it,
-- and whether one lies there that was broken off while it was made. One that holds a part of the rows serves when its
-- condition is like $3.
SELECT coalesce(bool_or(indisvalid), false)::int::bigint, coalesce(bool_or(NOT indisvalid), false)::int::bigint
FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
WHERE indrelid = to_regclass($1::text) AND attname = $2::text
  AND (indpred IS NULL OR pg_get_expr(indpred, indrelid) LIKE $3::text);

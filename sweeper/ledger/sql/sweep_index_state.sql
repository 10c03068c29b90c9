-- Whether the platform's table ($1, quoted name) has an index that serves the sweep, whoever made it, and whether one
-- lies there that was broken off while it was made.
SELECT coalesce(bool_or(indisvalid), false)::int::bigint, coalesce(bool_or(NOT indisvalid), false)::int::bigint
FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
WHERE indrelid = to_regclass($1::text) AND attname = 'updated_at'
  AND (indpred IS NULL OR pg_get_expr(indpred, indrelid) LIKE '%''provisioning''%');

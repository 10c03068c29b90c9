-- Whether the platform's structure_events table ($1, quoted name) is there and may be written to.
SELECT coalesce(has_table_privilege(to_regclass($1::text), 'INSERT'), false)::int::bigint;

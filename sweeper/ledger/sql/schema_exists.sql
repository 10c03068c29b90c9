SELECT (to_regclass('rescue.schema_version') IS NOT NULL)::int::bigint;

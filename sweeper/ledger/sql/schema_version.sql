SELECT coalesce(max(version), 0)::bigint FROM rescue.schema_version;

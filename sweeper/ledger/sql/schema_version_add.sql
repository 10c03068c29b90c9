INSERT INTO rescue.schema_version (version) VALUES ($1::bigint);

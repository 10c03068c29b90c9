-- Whether the platform's table ($1, quoted name) has the trigger of adoption_install.sql.
SELECT count(*)::bigint FROM pg_trigger WHERE tgrelid = to_regclass($1::text) AND tgname = 'rescue_adopt_external';

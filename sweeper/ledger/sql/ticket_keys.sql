-- The ticket keys and the time, in milliseconds, at most $1, newest first.
SELECT uuid_send(key_id), secret, (extract(epoch FROM begins_at) * 1000)::bigint,
       (extract(epoch FROM clock_timestamp()) * 1000)::bigint
FROM rescue.ticket_keys
ORDER BY begins_at DESC
LIMIT $1::bigint;

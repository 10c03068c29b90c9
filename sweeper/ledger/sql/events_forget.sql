-- Forgets at most $2 events that were delivered, or wanted by nobody, more than $1 seconds ago.
DELETE FROM rescue.events
WHERE event_id IN (SELECT event_id FROM rescue.events
                   WHERE delivered_at < now() - make_interval(secs => $1::bigint)
                   ORDER BY delivered_at
                   LIMIT $2::bigint
                   FOR UPDATE SKIP LOCKED);

-- Makes the keys of the current and of the next period of $1 seconds where there are none, of the secrets $2 and $3, and
-- drops those that open no ticket any more. Whichever replica comes first makes them; the next key is there in time for
-- all to know it.
WITH clock AS (
	SELECT to_timestamp(floor(extract(epoch FROM now()) / $1::bigint) * $1::bigint) AS begins_at,
	       make_interval(secs => $1::bigint) AS period
), dropped AS (
	DELETE FROM rescue.ticket_keys k USING clock WHERE k.begins_at < clock.begins_at - clock.period
)
INSERT INTO rescue.ticket_keys (begins_at, secret)
SELECT begins_at, $2::bytea FROM clock
UNION ALL
SELECT begins_at + period, $3::bytea FROM clock
ON CONFLICT DO NOTHING;

-- What the trigger of adoption_install.sql shall put into a capture, by the configuration: $1 org, $2 deadline in
-- seconds, $3 grace in hours, $4 whether a webhook wants events, $5 the channel of events.
INSERT INTO rescue.adoption (org, deadline_s, grace_h, wants_events, notify_channel)
VALUES ($1::text, $2::bigint, $3::bigint, $4::bigint <> 0, $5::text)
ON CONFLICT (is_only) DO UPDATE
SET org = EXCLUDED.org, deadline_s = EXCLUDED.deadline_s, grace_h = EXCLUDED.grace_h,
    wants_events = EXCLUDED.wants_events, notify_channel = EXCLUDED.notify_channel;

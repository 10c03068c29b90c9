-- Notes that an agent asked for its orders, at most once a minute for each workspace ($1).
INSERT INTO rescue.identities (workspace_id)
SELECT $1::text
WHERE NOT EXISTS (SELECT FROM rescue.identities
                  WHERE workspace_id = $1::text AND last_seen_at > now() - interval '1 minute')
ON CONFLICT (workspace_id) DO UPDATE SET last_seen_at = now();

-- Whether the workspace $1 (as the platform's id, $2 the same as text) may have a new certificate for the key $3: it is
-- bound to that key, its row still names the instance, and it may still have something to tell.
SELECT CASE WHEN i.key_sha256 IS NULL THEN 'no_row'
            WHEN i.key_sha256 <> $3::text THEN 'other_key'
            WHEN w.instance_id IS DISTINCT FROM i.instance_id THEN 'state'
            WHEN coalesce(w.status, 'failed') IN ('provisioning', 'failed', 'awaiting_agent') THEN 'bound'
            WHEN EXISTS (SELECT FROM rescue.captures c
                         WHERE c.workspace_id = $2::text AND c.state IN ('ordered', 'unreachable')
                           AND c.grace_until > now()) THEN 'bound'
            ELSE 'state' END,
       coalesce(i.instance_id, ''), floor(extract(epoch FROM now()))::bigint
FROM (SELECT) AS one
LEFT JOIN (SELECT instance_id, status::text FROM {workspaces} WHERE id = $1 LIMIT 1) AS w ON true
LEFT JOIN rescue.identities i ON i.workspace_id = $2::text;

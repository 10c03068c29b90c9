-- What the agent of a workspace ($1 as the platform's id, $2 the same as text) shall do: the newest open capture, if
-- any, and whether it shall wait otherwise. The row may come up to $3 seconds after the agent's first visit.
SELECT c.capture_id::text, c.workspace_id, c.reason, (extract(epoch FROM c.grace_until) * 1000000)::bigint * 1000,
       CASE WHEN w.found IS NULL
                 THEN coalesce(i.first_seen_at > now() - make_interval(secs => $3::bigint), true)
            ELSE w.status IS NULL OR w.status IN ('provisioning', 'failed', 'awaiting_agent')
       END::int::bigint
FROM (SELECT) AS one
LEFT JOIN (SELECT true AS found, status::text FROM {workspaces} WHERE id = $1 LIMIT 1) AS w ON true
LEFT JOIN rescue.identities i ON i.workspace_id = $2::text
LEFT JOIN LATERAL (
	SELECT capture_id, workspace_id, reason, grace_until FROM rescue.captures
	WHERE workspace_id = $2::text AND state IN ('ordered', 'unreachable') AND grace_until > now()
	ORDER BY requested_at DESC LIMIT 1
) AS c ON true;

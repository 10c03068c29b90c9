-- Every capture that an agent could take now. Those for which none came in time stand behind, so that many of them
-- cannot hide a new one.
SELECT capture_id::text, workspace_id, reason, (extract(epoch FROM grace_until) * 1000000)::bigint * 1000
FROM rescue.captures
WHERE state IN ('ordered', 'unreachable') AND grace_until > now()
ORDER BY state, requested_at
LIMIT $1::bigint;

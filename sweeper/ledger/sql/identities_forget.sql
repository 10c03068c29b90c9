-- Forgets at most $2 workspaces whose agents have not asked for $1 seconds and that hold no certificate of ours that is
-- still good: each boot leaves a row here. Should such a box come back, its row is made anew.
DELETE FROM rescue.identities
WHERE workspace_id IN (SELECT workspace_id FROM rescue.identities
                       WHERE first_seen_at < now() - make_interval(secs => $1::bigint)
                         AND last_seen_at < now() - make_interval(secs => $1::bigint)
                         AND (not_after IS NULL OR not_after < now())
                       ORDER BY first_seen_at
                       LIMIT $2::bigint
                       FOR UPDATE SKIP LOCKED);

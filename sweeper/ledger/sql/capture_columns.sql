-- The columns of a struct ledger_capture, in the order in which capture_row.c reads them; the bundle follows.
       capture_id::text, workspace_id, left(instance_id, 128), reason, state,
       (extract(epoch FROM requested_at) * 1000000)::bigint * 1000,
       (extract(epoch FROM delivered_at) * 1000000)::bigint * 1000,
       (extract(epoch FROM received_at) * 1000000)::bigint * 1000,
       (extract(epoch FROM shipped_at) * 1000000)::bigint * 1000,
       (extract(epoch FROM deadline_at) * 1000000)::bigint * 1000,
       (extract(epoch FROM grace_until) * 1000000)::bigint * 1000,
       (extract(epoch FROM next_attempt_at) * 1000000)::bigint * 1000,
       attempts, bundle_sha256, entry_base_ns, array_to_string(shipped_to, ','), last_error

-- The verdicts, announced to the gates (rescue_orders) and to whoever listens on the configured channel ($6). A
-- notification holds at most 8,000 bytes, so that nothing of unknown length goes into it.
SELECT v.capture_id::text, v.workspace_id, v.instance_id, v.timeout_s,
       CASE WHEN v.capture_id IS NOT NULL THEN pg_notify('rescue_orders', left(v.workspace_id, 128))::text END,
       CASE WHEN v.capture_id IS NOT NULL THEN pg_notify($6::text, json_build_object(
                 'event_type', 'WORKSPACE_PROVISION_FAILED', 'event_id', v.event_id, 'workspace_id',
                 left(v.workspace_id, 128), 'org', $2::text, 'capture_id', v.capture_id,
                 'reason', $1::text)::text)::text END

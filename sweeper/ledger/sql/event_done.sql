UPDATE rescue.events
SET delivered_at = now(), lease_owner = NULL, lease_until = NULL, last_error = NULL
WHERE event_id = $1::uuid AND delivered_at IS NULL;

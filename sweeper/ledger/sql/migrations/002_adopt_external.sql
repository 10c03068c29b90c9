-- What the sweeper's configuration says and the trigger below needs to know; `migrate` writes the one row.
CREATE TABLE rescue.adoption (
	is_only        boolean PRIMARY KEY DEFAULT true CHECK (is_only),
	org            text NOT NULL,
	deadline_s     bigint NOT NULL,
	grace_h        bigint NOT NULL,
	wants_events   boolean NOT NULL,          -- a webhook is configured
	notify_channel text NOT NULL
);

-- A verdict that is not the sweeper's: orders the capture in the transaction that flipped the row. The trigger that
-- calls it is adoption_install.sql. Its reason is bootstrap_watcher, since somebody who watched the boot decided, and
-- not this sweeper's clock. The platform's structure_events are left to whoever flipped the row.
-- It runs with the rights of whoever migrated, since the platform's role has none here, and with names that nobody's
-- search path can redirect. The platform's statement must succeed whatever is wrong here: every failure is caught and
-- goes to the server's log, nothing is declared by the type of a table that may be gone, and no lock is waited for
-- longer than a second.
CREATE FUNCTION rescue.adopt_external() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '1s'
AS $$
DECLARE
	settings record;
	order_id uuid := gen_random_uuid();
	note_id  uuid := gen_random_uuid();
BEGIN
	-- The sweeper's own verdicts come with their capture, by the same statement and so with the same now().
	IF EXISTS (SELECT FROM rescue.captures WHERE workspace_id = NEW.id::text AND requested_at = now()) THEN
		RETURN NULL;
	END IF;
	SELECT * INTO STRICT settings FROM rescue.adoption;
	INSERT INTO rescue.captures (capture_id, workspace_id, org, instance_id, reason, deadline_at, grace_until)
	VALUES (order_id, NEW.id::text, settings.org, coalesce(NEW.instance_id, ''), 'bootstrap_watcher',
	        CASE WHEN coalesce(NEW.instance_id, '') = '' THEN now()
	             ELSE now() + make_interval(secs => settings.deadline_s) END,
	        now() + make_interval(hours => settings.grace_h::int));
	-- What the platform wrote into last_sample_error has passed no redactor, so that it does not go out.
	INSERT INTO rescue.events (event_id, workspace_id, capture_id, org, event_type, payload, delivered_at)
	VALUES (note_id, NEW.id::text, order_id, settings.org, 'WORKSPACE_PROVISION_FAILED',
	        '{"error": "the workspace was failed by another program than the sweeper", "log_tail": "",
	          "source": "bootstrap_watcher"}',
	        CASE WHEN NOT settings.wants_events THEN now() END);
	-- A full queue fails the commit, where nothing can be caught any more; a notification is only a hint.
	IF pg_notification_queue_usage() < 0.5 THEN
		PERFORM pg_notify('rescue_orders', left(NEW.id::text, 128));
		PERFORM pg_notify(settings.notify_channel, json_build_object(
			'event_type', 'WORKSPACE_PROVISION_FAILED', 'event_id', note_id, 'workspace_id', left(NEW.id::text, 128),
			'org', settings.org, 'capture_id', order_id, 'reason', 'bootstrap_watcher')::text);
	END IF;
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	RAISE LOG 'rescue: a workspace was flipped to failed and gets no capture: % (%)', SQLERRM, SQLSTATE;
	RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION rescue.adopt_external() FROM PUBLIC;

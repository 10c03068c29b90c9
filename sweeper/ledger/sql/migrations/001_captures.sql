CREATE TABLE rescue.captures (
	capture_id      uuid PRIMARY KEY,
	workspace_id    text NOT NULL,
	org             text NOT NULL,
	instance_id     text NOT NULL,            -- '' when the workspace's row names none
	reason          text NOT NULL CHECK (reason IN ('provision_timeout_sweep', 'bootstrap_watcher')),
	state           text NOT NULL DEFAULT 'ordered'
	                CHECK (state IN ('ordered', 'received', 'shipped', 'unreachable', 'refused')),
	requested_at    timestamptz NOT NULL DEFAULT now(),
	delivered_at    timestamptz,              -- an agent was given the order for the first time
	received_at     timestamptz,
	shipped_at      timestamptz,              -- every sink has what `bundle` holds or held
	deadline_at     timestamptz NOT NULL,     -- then an order without bundle becomes unreachable
	grace_until     timestamptz NOT NULL,     -- until then the instance must be kept
	ship_until      timestamptz,              -- shipping is tried until then if that is later than the grace
	bundle          bytea,                    -- gzip NDJSON, the agent's or the unreachable record
	bundle_sha256   text,                     -- of the agent's upload; NULL when there was none
	shipped_to      text[] NOT NULL DEFAULT '{}',
	entry_base_ns   bigint,
	attempts        bigint NOT NULL DEFAULT 0,
	next_attempt_at timestamptz,
	lease_owner     text,
	lease_until     timestamptz,
	last_error      text
);
-- Bundles are compressed already.
ALTER TABLE rescue.captures ALTER COLUMN bundle SET STORAGE EXTERNAL;
CREATE INDEX captures_workspace ON rescue.captures (workspace_id, requested_at DESC);
CREATE INDEX captures_requested ON rescue.captures (requested_at DESC);
CREATE INDEX captures_grace ON rescue.captures (grace_until);
CREATE INDEX captures_ordered ON rescue.captures (deadline_at) WHERE state = 'ordered';
CREATE INDEX captures_due ON rescue.captures (next_attempt_at) WHERE bundle IS NOT NULL AND shipped_at IS NULL;
CREATE INDEX captures_clearable ON rescue.captures (shipped_at) WHERE bundle IS NOT NULL AND shipped_at IS NOT NULL;

-- The outbox of the webhook.
CREATE TABLE rescue.events (
	event_id        uuid PRIMARY KEY,
	workspace_id    text NOT NULL,
	capture_id      uuid NOT NULL,
	org             text NOT NULL,
	event_type      text NOT NULL,
	payload         jsonb NOT NULL,
	created_at      timestamptz NOT NULL DEFAULT now(),
	delivered_at    timestamptz,
	attempts        bigint NOT NULL DEFAULT 0,
	next_attempt_at timestamptz NOT NULL DEFAULT now(),
	lease_owner     text,
	lease_until     timestamptz,
	last_error      text
);
CREATE INDEX events_due ON rescue.events (next_attempt_at) WHERE delivered_at IS NULL;

CREATE TABLE rescue.identities (
	workspace_id  text PRIMARY KEY,
	first_seen_at timestamptz NOT NULL DEFAULT now(),
	last_seen_at  timestamptz NOT NULL DEFAULT now(),
	fingerprint   text,
	instance_id   text,
	not_after     timestamptz
);

-- What whoever reaps instances must leave alone, and until when.
CREATE VIEW rescue.retention AS
	SELECT instance_id, max(grace_until) AS until
	FROM rescue.captures
	WHERE instance_id <> '' AND grace_until > now()
	GROUP BY instance_id;

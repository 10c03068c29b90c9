-- What is forgotten is found by these (identities_forget.sql, events_forget.sql). An identity's first visit never changes,
-- so that noting later ones leaves the index alone.
CREATE INDEX identities_first_seen ON rescue.identities (first_seen_at);
CREATE INDEX events_delivered ON rescue.events (delivered_at) WHERE delivered_at IS NOT NULL;

-- Enrolment: the key that a workspace's identity is bound to, and since when.
ALTER TABLE rescue.identities
	ADD COLUMN key_sha256  text,        -- of the public key (SubjectPublicKeyInfo); NULL: bound to none
	ADD COLUMN enrolled_at timestamptz, -- when a certificate was last issued
	ADD COLUMN refused_at  timestamptz; -- when another key's request last became an event

-- Events about an identity belong to no capture.
ALTER TABLE rescue.events ALTER COLUMN capture_id DROP NOT NULL;

-- What every connection needs, whatever the database's or the role's defaults are.
-- The re-check of a row after waiting for its lock is what read committed does; a stricter level would fail instead.
SET default_transaction_isolation = 'read committed';
SET statement_timeout = '30s';
SET lock_timeout = '10s';
-- The locks of a sweeper that is cut off in the middle of a transaction.
SET idle_in_transaction_session_timeout = '15s';
SET jit = off;
SET client_min_messages = warning;
-- A bundle that was acknowledged must survive a crash of the database. A stricter setting is left alone.
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';

-- Before: nobody is anywhere. After: one row a session and place.

-- Unlogged: a renewal waits for no disk, and after a crash of the server whoever is there enters again. A subject is
-- bytes, for it may be any text. A renewal moves `over_at` alone, which no index holds: so it changes no index and stays on
-- its page, where half is left free for it. What is over is found by reading the table, once a minute: it is as small as
-- the number of those who are there.
CREATE UNLOGGED TABLE waypost_presence (
    workspace UUID NOT NULL,
    subject   BYTEA NOT NULL,
    session   UUID NOT NULL,
    actor     TEXT COLLATE "C" NOT NULL,
    since     TIMESTAMPTZ NOT NULL,
    over_at   TIMESTAMPTZ NOT NULL,
    -- PresenceStore 3: once, by constraint.
    PRIMARY KEY (workspace, subject, session)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

-- PresenceStore 6: the oldest of a place come first.
CREATE INDEX waypost_presence_since ON waypost_presence (workspace, subject, since, session);

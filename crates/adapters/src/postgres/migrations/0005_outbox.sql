-- Before: no outbox. After: entries wait in eight leaves that are filled in turn and emptied whole, and what was set
-- aside stands in a table of its own (docs/adr/0014).

-- An entry's number is a number of this sequence times eight, plus its leaf: numbers grow, and tell the leaf.
CREATE SEQUENCE waypost_outbox_number AS BIGINT START 1;

-- The leaf that is appended to. A sequence, since reading one locks nothing and moving one leaves no dead row.
CREATE SEQUENCE waypost_outbox_turn AS INTEGER MINVALUE 0 MAXVALUE 7 START 0;

CREATE TABLE waypost_outbox (
    entry       BIGINT NOT NULL,
    free_at     TIMESTAMPTZ NOT NULL DEFAULT '-infinity',
    token       BIGINT NOT NULL DEFAULT 0,
    attempts    INTEGER NOT NULL DEFAULT 0,
    turn        SMALLINT NOT NULL,
    ordering    TEXT COLLATE "C" NOT NULL,
    id          UUID NOT NULL,
    type        TEXT NOT NULL,
    version     INTEGER NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    workspace   UUID NOT NULL,
    subject     TEXT,
    traceparent TEXT,
    data        TEXT NOT NULL,
    -- Outbox 4: claims go by the number, over all leaves.
    PRIMARY KEY (entry, turn)
) PARTITION BY LIST (turn);

-- Outbox 2 and 4: what is held, or was. Entries that nobody has touched yet are not in it.
CREATE INDEX waypost_outbox_held ON waypost_outbox (free_at) WHERE free_at > '-infinity';

CREATE TABLE waypost_outbox_0 PARTITION OF waypost_outbox FOR VALUES IN (0);
CREATE TABLE waypost_outbox_1 PARTITION OF waypost_outbox FOR VALUES IN (1);
CREATE TABLE waypost_outbox_2 PARTITION OF waypost_outbox FOR VALUES IN (2);
CREATE TABLE waypost_outbox_3 PARTITION OF waypost_outbox FOR VALUES IN (3);
CREATE TABLE waypost_outbox_4 PARTITION OF waypost_outbox FOR VALUES IN (4);
CREATE TABLE waypost_outbox_5 PARTITION OF waypost_outbox FOR VALUES IN (5);
CREATE TABLE waypost_outbox_6 PARTITION OF waypost_outbox FOR VALUES IN (6);
CREATE TABLE waypost_outbox_7 PARTITION OF waypost_outbox FOR VALUES IN (7);

-- Leaves are small and short-lived: a vacuum is over at once, or it would stand in the way of emptying one; and it
-- never locks a leaf to shorten its file.
DO $$
BEGIN
    FOR leaf IN 0..7 LOOP
        EXECUTE format(
            'ALTER TABLE waypost_outbox_%s SET (autovacuum_vacuum_scale_factor = 0, '
            'autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0, '
            'vacuum_truncate = false, toast.vacuum_truncate = false)', leaf);
    END LOOP;
END
$$;

-- Outbox 5: what was set aside is in nobody's way.
CREATE TABLE waypost_outbox_dead (
    entry       BIGINT PRIMARY KEY,
    reason      TEXT NOT NULL,
    token       BIGINT NOT NULL,
    ordering    TEXT COLLATE "C" NOT NULL,
    id          UUID NOT NULL,
    type        TEXT NOT NULL,
    version     INTEGER NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    workspace   UUID NOT NULL,
    subject     TEXT,
    traceparent TEXT,
    data        TEXT NOT NULL
);

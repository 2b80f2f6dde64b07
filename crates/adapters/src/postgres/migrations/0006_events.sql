-- Before: no log of events. After: the log, where it was trimmed, and the groups that read it.

-- One publisher at a time: places follow the order of commits, without a gap (events 1).
CREATE TABLE waypost_event (
    place       BIGINT PRIMARY KEY,
    id          UUID NOT NULL,
    type        TEXT NOT NULL,
    version     INTEGER NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    workspace   UUID NOT NULL,
    subject     TEXT,
    traceparent TEXT,
    data        TEXT NOT NULL
);

-- Events 2: an id is in the log once.
CREATE UNIQUE INDEX waypost_event_id ON waypost_event (id);

-- Events 3: a workspace reads its own without looking at the others'.
CREATE INDEX waypost_event_workspace ON waypost_event (workspace, place);

-- One row: which log this is, and up to where it was trimmed.
CREATE TABLE waypost_event_log (
    one     BOOLEAN PRIMARY KEY DEFAULT true CHECK (one),
    epoch   BIGINT NOT NULL,
    trimmed BIGINT NOT NULL DEFAULT 0
);

-- Events 5: where each group stands, and until when a member of it has a batch. Room in each page, since the rows are
-- few and change often.
CREATE TABLE waypost_event_group (
    name         TEXT COLLATE "C" PRIMARY KEY,
    acked        BIGINT NOT NULL,
    leased_until TIMESTAMPTZ NOT NULL DEFAULT '-infinity',
    token        BIGINT NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

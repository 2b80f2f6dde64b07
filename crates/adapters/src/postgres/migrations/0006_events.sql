-- One row: which log this is, and up to where it was trimmed.
CREATE TABLE waypost_event_log (
    one     BOOLEAN PRIMARY KEY DEFAULT true CHECK (one),
    epoch   BIGINT NOT NULL,
    trimmed BIGINT NOT NULL DEFAULT 0
);

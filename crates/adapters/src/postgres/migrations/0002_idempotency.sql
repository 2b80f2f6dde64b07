-- Before: no claims and answers. After: both, one row a key.

-- `over_at` ends the lease until there is an answer, and then the answer. Each row is written, answered and deleted once,
-- so dead rows are taken away early.
CREATE TABLE waypost_idempotency (
    workspace   UUID NOT NULL,
    key         TEXT COLLATE "C" NOT NULL,
    fingerprint BYTEA NOT NULL,
    token       BYTEA NOT NULL,
    over_at     TIMESTAMPTZ NOT NULL,
    status      INTEGER,
    headers     TEXT,
    body        BYTEA,
    -- IdempotencyStore 1 and 7: one owner a key, by constraint.
    PRIMARY KEY (workspace, key)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

-- IdempotencyStore 2: the sweeper takes what has been over for longest.
CREATE INDEX waypost_idempotency_over ON waypost_idempotency (over_at);

-- Before: no limits. After: one state a policy and key.

-- Unlogged: a decision waits for no disk, and a crash of the server forgives what was counted. A key is bytes, for it may
-- be any text. `latest` is the latest moment that a decision was made at; `over_at` moves in coarse steps, so most updates
-- change no index and stay on their page, where half is left free for them.
CREATE UNLOGGED TABLE waypost_limit (
    policy  TEXT COLLATE "C" NOT NULL,
    key     BYTEA NOT NULL,
    state   BYTEA NOT NULL,
    latest  TIMESTAMPTZ NOT NULL,
    over_at TIMESTAMPTZ NOT NULL,
    -- RateLimiter 4: keys and policies apart.
    PRIMARY KEY (policy, key)
) WITH (fillfactor = 50);

-- States that say nothing any more are forgotten, oldest first.
CREATE INDEX waypost_limit_over ON waypost_limit (over_at);

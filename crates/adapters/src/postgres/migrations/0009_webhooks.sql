-- Before: webhook endpoints with one secret each, and nothing that is sent to them.
-- After: endpoints with all that is said of them; what is owed to each, what became of it, and what was measured. An
-- endpoint's one secret is the first of its secrets. A node of the version before cannot use endpoints any more.

ALTER TABLE waypost_webhook
    -- JSON, as the values of their own write it.
    ADD COLUMN filter          TEXT NOT NULL DEFAULT '{}',
    ADD COLUMN headers         TEXT NOT NULL DEFAULT '{}',
    ADD COLUMN format          TEXT NOT NULL DEFAULT 'waypost',
    ADD COLUMN payload_version INTEGER NOT NULL DEFAULT 1,
    ADD COLUMN ordering        TEXT NOT NULL DEFAULT 'none',
    ADD COLUMN rate_limit      BIGINT,
    ADD COLUMN concurrency     INTEGER NOT NULL DEFAULT 64,
    ADD COLUMN state           TEXT NOT NULL DEFAULT 'enabled',
    ADD COLUMN verified_at     TIMESTAMPTZ,
    ADD COLUMN scheme          TEXT NOT NULL DEFAULT 'hmac-sha256',
    -- WebhookStore 1: JSON, newest first: sealed bytes in base64, moments in microseconds.
    ADD COLUMN secrets         TEXT NOT NULL DEFAULT '[]';

UPDATE waypost_webhook SET
    state = CASE WHEN is_enabled THEN 'enabled' ELSE 'disabled' END,
    secrets = json_build_array(json_build_object(
        'sealed', translate(encode(secret, 'base64'), E'\n', ''),
        'made_at', (extract(epoch FROM created_at) * 1000000)::bigint,
        'ends_at', NULL))::text;

ALTER TABLE waypost_webhook
    DROP COLUMN is_enabled,
    DROP COLUMN secret,
    ALTER COLUMN filter DROP DEFAULT,
    ALTER COLUMN headers DROP DEFAULT,
    ALTER COLUMN format DROP DEFAULT,
    ALTER COLUMN payload_version DROP DEFAULT,
    ALTER COLUMN ordering DROP DEFAULT,
    ALTER COLUMN concurrency DROP DEFAULT,
    ALTER COLUMN state DROP DEFAULT,
    ALTER COLUMN scheme DROP DEFAULT,
    ALTER COLUMN secrets DROP DEFAULT;

-- Whose queue it is that was claimed.
CREATE UNIQUE INDEX waypost_webhook_id ON waypost_webhook (id);

-- A row an endpoint: who holds its queue, and when somebody should. All that changes what is owed to an endpoint holds
-- the lock of this row, so what is owed is found by one claim or another. While a queue is held nothing of the index
-- changes, and on each page there is room for the new version of a row beside the old.
CREATE TABLE waypost_webhook_queue (
    endpoint      UUID PRIMARY KEY,
    -- Not later than anything that is owed is due, or than the pause after it; `infinity` where nothing is.
    due_at        TIMESTAMPTZ NOT NULL DEFAULT 'infinity',
    -- `-infinity` where nobody holds it.
    leased_until  TIMESTAMPTZ NOT NULL DEFAULT '-infinity',
    token         BIGINT NOT NULL DEFAULT 0,
    -- Nothing that is owed stands before this in the order of what is due: there a look begins, and steps over none of
    -- what was there before.
    floor_at      TIMESTAMPTZ NOT NULL DEFAULT '-infinity',
    floor_place   BIGINT NOT NULL DEFAULT 0,
    -- How the endpoint stands.
    failures      BIGINT NOT NULL DEFAULT 0,
    failing_since TIMESTAMPTZ,
    warnings      SMALLINT NOT NULL DEFAULT 0,
    paused_until  TIMESTAMPTZ,
    full_at       TIMESTAMPTZ
) WITH (fillfactor = 30, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500,
        autovacuum_vacuum_cost_delay = 0);

-- DeliveryQueue 2: the queues in which something is due, those first that have been due for longest.
CREATE INDEX waypost_webhook_queue_due ON waypost_webhook_queue (due_at) WITH (fillfactor = 50)
    WHERE due_at < 'infinity';

INSERT INTO waypost_webhook_queue (endpoint) SELECT id FROM waypost_webhook;

-- What was to be sent, as it was then. One partition a day (UTC) of the events' making, made when the first event of the
-- day comes, so that retention drops a day as a whole.
CREATE TABLE waypost_delivery (
    endpoint    UUID NOT NULL,
    id          UUID NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    type        TEXT NOT NULL,
    version     INTEGER NOT NULL,
    workspace   UUID NOT NULL,
    subject     TEXT,
    traceparent TEXT,
    data        TEXT NOT NULL,
    -- Where the event stands in the log.
    epoch       BIGINT NOT NULL,
    place       BIGINT NOT NULL,
    -- What its order is kept by, where the endpoint asks for one.
    ordering    TEXT,
    -- DeliveryQueue 1, and DeliveryLog 1: ids sort by time.
    PRIMARY KEY (endpoint, id, created_at)
) PARTITION BY RANGE (created_at);

-- Calls, by the day of their event.
CREATE TABLE waypost_attempt (
    endpoint    UUID NOT NULL,
    id          UUID NOT NULL,
    at          TIMESTAMPTZ NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    number      BIGINT NOT NULL,
    -- Microseconds.
    duration    BIGINT NOT NULL,
    status      INTEGER,
    -- Class and words of what went wrong; neither where it arrived.
    failure     TEXT,
    detail      TEXT,
    excerpt     TEXT NOT NULL,
    traceparent TEXT,
    -- A settlement that is made again keeps the same attempt once.
    PRIMARY KEY (endpoint, id, at, number, created_at)
) PARTITION BY RANGE (created_at);

-- Dead letters, by the day of their event.
CREATE TABLE waypost_delivery_failed (
    endpoint   UUID NOT NULL,
    id         UUID NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    reason     TEXT NOT NULL,
    -- How the last call failed, if there was one.
    failure    TEXT,
    tried      BIGINT NOT NULL,
    PRIMARY KEY (endpoint, id, created_at)
) PARTITION BY RANGE (created_at);

-- What is owed. Narrow, since each delivery comes and goes here. One that is neither here nor failed has arrived.
CREATE TABLE waypost_delivery_owed (
    created_at TIMESTAMPTZ NOT NULL,
    id         UUID NOT NULL,
    endpoint   UUID NOT NULL,
    -- `infinity` behind an earlier one of its key.
    due_at     TIMESTAMPTZ NOT NULL,
    place      BIGINT NOT NULL,
    tried      BIGINT NOT NULL,
    -- A hash of what its order is kept by: two keys of one hash wait for each other, which does no harm.
    ordering   BIGINT,
    -- DeliveryLog 6: the oldest of all comes first.
    PRIMARY KEY (created_at, id, endpoint)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0);

-- DeliveryQueue 4.
CREATE INDEX waypost_delivery_owed_due ON waypost_delivery_owed (endpoint, due_at, place);
-- DeliveryQueue 5: the first of a key.
CREATE INDEX waypost_delivery_owed_key ON waypost_delivery_owed (endpoint, ordering, place) WHERE ordering IS NOT NULL;

-- What was measured of calls, by the hour; every settlement adds to it.
CREATE TABLE waypost_webhook_hour (
    endpoint  UUID NOT NULL,
    hour      TIMESTAMPTZ NOT NULL,
    succeeded BIGINT NOT NULL,
    failed    BIGINT NOT NULL,
    -- How long calls took, as counts by class.
    durations BIGINT[] NOT NULL,
    PRIMARY KEY (endpoint, hour)
) WITH (fillfactor = 50, autovacuum_vacuum_cost_delay = 0);

-- DeliveryLog 6: hours go with their day.
CREATE INDEX waypost_webhook_hour_age ON waypost_webhook_hour (hour);

-- Endpoints that were deleted, and to which something may still belong.
CREATE TABLE waypost_webhook_gone (
    endpoint UUID PRIMARY KEY
);

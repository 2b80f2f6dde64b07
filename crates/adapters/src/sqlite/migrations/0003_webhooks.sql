-- Before: a webhook endpoint has a target, patterns and one secret, and nothing is owed to it.
-- After: endpoints say what they want and how; what is owed to them has a queue each, and what became of it is kept.
-- Endpoints that are there stay, with their secret as the first of their secrets.

CREATE TABLE waypost_webhook_new (
    workspace       BLOB NOT NULL,
    id              BLOB NOT NULL,
    target          TEXT NOT NULL,
    -- JSON: an array of texts.
    events          TEXT NOT NULL,
    -- JSON: what the fields of an event must be; headers that are sent along.
    filter          TEXT NOT NULL,
    headers         TEXT NOT NULL,
    description     TEXT,
    format          TEXT NOT NULL,
    payload_version INTEGER NOT NULL,
    ordering        TEXT NOT NULL,
    rate_limit      INTEGER,
    concurrency     INTEGER NOT NULL,
    state           TEXT NOT NULL,
    verified_at     INTEGER,
    scheme          TEXT NOT NULL,
    -- WebhookStore 1: JSON, newest first: sealed bytes as base64, moment of making, end.
    secrets         TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    version         INTEGER NOT NULL,
    -- WebhookStore 4 and 5. Also 8: a workspace has few endpoints.
    PRIMARY KEY (workspace, id)
);

-- Base64 (RFC 4648 §4), three bytes a step: six hexadecimal digits, each worth `instr('123456789ABCDEF', digit)`, become
-- four letters.
INSERT INTO waypost_webhook_new
WITH RECURSIVE
    step (workspace, id, hex, text) AS (
        SELECT workspace, id, hex(secret), '' FROM waypost_webhook
        UNION ALL
        SELECT workspace, id, substr(hex, 7), text || (
            WITH digits (a, b, c, d, e, f) AS (
                SELECT instr('123456789ABCDEF', substr(hex || '0000', 1, 1)),
                       instr('123456789ABCDEF', substr(hex || '0000', 2, 1)),
                       instr('123456789ABCDEF', substr(hex || '0000', 3, 1)),
                       instr('123456789ABCDEF', substr(hex || '0000', 4, 1)),
                       instr('123456789ABCDEF', substr(hex || '0000', 5, 1)),
                       instr('123456789ABCDEF', substr(hex || '0000', 6, 1))
            ),
            letters (all64) AS (VALUES ('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'))
            SELECT substr(all64, 1 + a * 4 + b / 4, 1)
                || substr(all64, 1 + b % 4 * 16 + c, 1)
                || iif(length(hex) > 2, substr(all64, 1 + d * 4 + e / 4, 1), '=')
                || iif(length(hex) > 4, substr(all64, 1 + e % 4 * 16 + f, 1), '=')
            FROM digits, letters
        )
        FROM step WHERE hex <> ''
    )
SELECT w.workspace, w.id, w.target, w.events, '{}', '{}', w.description, 'waypost', 1, 'none', NULL, 64,
       iif(w.is_enabled, 'enabled', 'disabled'), NULL, 'hmac-sha256',
       json_array(json_object('sealed', s.text, 'made_at', w.created_at, 'ends_at', NULL)),
       w.created_at, w.updated_at, w.version
FROM waypost_webhook w JOIN step s ON s.workspace = w.workspace AND s.id = w.id AND s.hex = '';

DROP TABLE waypost_webhook;
ALTER TABLE waypost_webhook_new RENAME TO waypost_webhook;

-- The endpoints of a workspace, oldest first; and WebhookStore 3, how many there are.
CREATE INDEX waypost_webhook_created ON waypost_webhook (workspace, created_at, id);

-- What is leased: the queue of an endpoint as a whole. One narrow row each, since it changes with every settlement.
CREATE TABLE waypost_webhook_queue (
    endpoint      BLOB PRIMARY KEY NOT NULL,
    workspace     BLOB NOT NULL,
    -- DeliveryQueue 7: when the first of what is owed is due, and no pause holds it up; NULL while nothing is.
    due_at        INTEGER,
    -- DeliveryQueue 2 and 3: NULL once it was given back.
    leased_until  INTEGER,
    token         INTEGER NOT NULL DEFAULT 0,
    -- How the endpoint stands.
    failures      INTEGER NOT NULL DEFAULT 0,
    failing_since INTEGER,
    warnings      INTEGER NOT NULL DEFAULT 0,
    paused_until  INTEGER,
    full_at       INTEGER
) WITHOUT ROWID;

INSERT INTO waypost_webhook_queue (endpoint, workspace) SELECT id, workspace FROM waypost_webhook;

-- DeliveryQueue 2: those that have been due for longest.
CREATE INDEX waypost_webhook_queue_due ON waypost_webhook_queue (due_at) WHERE due_at IS NOT NULL;

-- Endpoints that were deleted, until the last row about them is.
CREATE TABLE waypost_webhook_gone (
    endpoint BLOB PRIMARY KEY NOT NULL
) WITHOUT ROWID;

-- An event for an endpoint. Written once; all that changes about it is in the narrow tables below. A wide row: by a number,
-- so that new ones go to the end, and the index that finds them by their ids stays narrow.
CREATE TABLE waypost_delivery (
    number      INTEGER PRIMARY KEY,
    endpoint    BLOB NOT NULL,
    -- The event's place in the log.
    epoch       INTEGER NOT NULL,
    place       INTEGER NOT NULL,
    ordering    TEXT,
    id          BLOB NOT NULL,
    type        TEXT NOT NULL,
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    workspace   BLOB NOT NULL,
    subject     TEXT,
    traceparent TEXT,
    data        TEXT NOT NULL
);

-- DeliveryQueue 1: one for each endpoint and event. DeliveryLog 1: the newest first.
CREATE UNIQUE INDEX waypost_delivery_id ON waypost_delivery (endpoint, id);

-- Deliveries that are owed.
CREATE TABLE waypost_delivery_owed (
    number   INTEGER PRIMARY KEY,
    endpoint BLOB NOT NULL,
    -- NULL behind an earlier one of its key.
    due_at   INTEGER,
    place    INTEGER NOT NULL,
    -- Calls since it was last asked for.
    tried    INTEGER NOT NULL,
    ordering TEXT,
    -- The day of its event (UTC), counted from 1970-01-01.
    day      INTEGER NOT NULL
);

-- DeliveryQueue 4.
CREATE INDEX waypost_delivery_owed_due ON waypost_delivery_owed (endpoint, due_at, place);
-- DeliveryQueue 5: the first of a key.
CREATE INDEX waypost_delivery_owed_key ON waypost_delivery_owed (endpoint, ordering, place) WHERE ordering IS NOT NULL;

-- Deliveries that were given up. One that is here and not owed is a dead letter; one that is neither has arrived.
CREATE TABLE waypost_delivery_failed (
    endpoint BLOB NOT NULL,
    id       BLOB NOT NULL,
    number   INTEGER NOT NULL,
    reason   TEXT NOT NULL,
    -- DeliveryQueue 8: the oldest first.
    PRIMARY KEY (endpoint, id)
) WITHOUT ROWID;

-- Days (UTC) of events, counted from 1970-01-01, and how many of their deliveries are owed: DeliveryLog 6 asks one row
-- whether a day may be forgotten, and the backlog is a sum over days.
CREATE TABLE waypost_delivery_day (
    day  INTEGER PRIMARY KEY,
    owed INTEGER NOT NULL
);

CREATE TABLE waypost_attempt (
    delivery    INTEGER NOT NULL,
    made_at     INTEGER NOT NULL,
    number      INTEGER NOT NULL,
    -- In microseconds.
    duration    INTEGER NOT NULL,
    status      INTEGER,
    failure     TEXT,
    detail      TEXT,
    excerpt     TEXT NOT NULL,
    traceparent TEXT,
    -- An attempt is kept once. DeliveryLog 4: in the order in which they were made.
    PRIMARY KEY (delivery, made_at, number)
) WITHOUT ROWID;

-- DeliveryLog 5: calls by their hour and by the class of their duration.
CREATE TABLE waypost_webhook_hour (
    endpoint  BLOB NOT NULL,
    hour      INTEGER NOT NULL,
    class     INTEGER NOT NULL,
    succeeded INTEGER NOT NULL,
    failed    INTEGER NOT NULL,
    PRIMARY KEY (endpoint, hour, class)
) WITHOUT ROWID;

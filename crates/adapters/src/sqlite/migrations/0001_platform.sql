-- Before: an empty database, or one with tables of a program that embeds us.
-- After: every port of the platform has its tables. Their names begin with `waypost_`, so an embedder's own tables can
-- stand beside them in one file and one transaction.
--
-- Moments are whole microseconds since the Unix epoch. Ids are their 16 bytes, which sort by time.

-- Links. WITHOUT ROWID: a row lies in the tree of its id, so each index leads to it without a second look-up.
-- `admitted` is changed by the admission of a limited link only; clicks are counted in `waypost_click_total`.
CREATE TABLE waypost_link (
    id               BLOB PRIMARY KEY NOT NULL,
    workspace        BLOB NOT NULL,
    domain           TEXT NOT NULL,
    slug             TEXT NOT NULL,
    destination      TEXT NOT NULL,
    destination_hash INTEGER NOT NULL,
    title            TEXT,
    tags             TEXT NOT NULL,
    redirect_status  INTEGER NOT NULL,
    referrer_policy  TEXT,
    cache_seconds    INTEGER,
    expires_at       INTEGER,
    expiry_told      INTEGER NOT NULL DEFAULT 0,
    disabled_at      INTEGER,
    max_clicks       INTEGER,
    admitted         INTEGER NOT NULL DEFAULT 0,
    metadata         TEXT NOT NULL,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    version          INTEGER NOT NULL
) WITHOUT ROWID;

-- LinkStore 1: unique by constraint; the redirect's way in.
CREATE UNIQUE INDEX waypost_link_name ON waypost_link (slug, domain);
-- LinkStore 5: one index a sort order, read in either direction.
CREATE INDEX waypost_link_created ON waypost_link (workspace, created_at, id);
CREATE INDEX waypost_link_updated ON waypost_link (workspace, updated_at, id);
CREATE INDEX waypost_link_slug ON waypost_link (workspace, slug, id);
-- An exact destination is found by 8 bytes of hash; a destination has up to 8,192 of its own.
CREATE INDEX waypost_link_destination ON waypost_link (workspace, destination_hash);
-- LinkStore 8: holds only what is still to be told.
CREATE INDEX waypost_link_due ON waypost_link (expires_at, id) WHERE expires_at IS NOT NULL AND expiry_told = 0;

-- The tags of links, for the filter; kept by the triggers, so that no statement can forget it.
CREATE TABLE waypost_link_tag (
    workspace BLOB NOT NULL,
    tag       TEXT NOT NULL,
    link      BLOB NOT NULL,
    PRIMARY KEY (workspace, tag, link)
) WITHOUT ROWID;

CREATE TRIGGER waypost_link_tagged AFTER INSERT ON waypost_link WHEN NEW.tags <> '[]' BEGIN
    INSERT INTO waypost_link_tag SELECT NEW.workspace, value, NEW.id FROM json_each(NEW.tags);
END;

CREATE TRIGGER waypost_link_retagged AFTER UPDATE OF tags ON waypost_link WHEN NEW.tags <> OLD.tags BEGIN
    DELETE FROM waypost_link_tag
        WHERE workspace = OLD.workspace AND link = OLD.id AND tag IN (SELECT value FROM json_each(OLD.tags));
    INSERT INTO waypost_link_tag SELECT NEW.workspace, value, NEW.id FROM json_each(NEW.tags);
END;

CREATE TRIGGER waypost_link_untagged AFTER DELETE ON waypost_link WHEN OLD.tags <> '[]' BEGIN
    DELETE FROM waypost_link_tag
        WHERE workspace = OLD.workspace AND link = OLD.id AND tag IN (SELECT value FROM json_each(OLD.tags));
END;

-- Clicks as they came, until retention takes them.
CREATE TABLE waypost_click (
    workspace BLOB NOT NULL,
    id        BLOB NOT NULL,
    link      BLOB NOT NULL,
    at        INTEGER NOT NULL,
    class     INTEGER NOT NULL,
    is_bot    INTEGER NOT NULL,
    country   TEXT,
    referrer  TEXT,
    browser   TEXT,
    os        TEXT,
    device    TEXT,
    PRIMARY KEY (workspace, id)
) WITHOUT ROWID;

-- Retention takes the oldest.
CREATE INDEX waypost_click_age ON waypost_click (at);

-- What clicks add up to, for good (ClickStore 3).
CREATE TABLE waypost_click_total (
    link      BLOB PRIMARY KEY NOT NULL,
    workspace BLOB NOT NULL,
    human     INTEGER NOT NULL,
    bot       INTEGER NOT NULL,
    duplicate INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE waypost_click_hour (
    link      BLOB NOT NULL,
    hour      INTEGER NOT NULL,
    human     INTEGER NOT NULL,
    bot       INTEGER NOT NULL,
    duplicate INTEGER NOT NULL,
    PRIMARY KEY (link, hour)
) WITHOUT ROWID;

CREATE TABLE waypost_click_facet (
    link      BLOB NOT NULL,
    facet     TEXT NOT NULL,
    day       INTEGER NOT NULL,
    value     TEXT NOT NULL,
    human     INTEGER NOT NULL,
    bot       INTEGER NOT NULL,
    duplicate INTEGER NOT NULL,
    PRIMARY KEY (link, facet, day, value)
) WITHOUT ROWID;

-- Claims and answers. `over_at` ends the lease until there is an answer, and then the answer.
CREATE TABLE waypost_idempotency (
    workspace   BLOB NOT NULL,
    key         TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    token       BLOB NOT NULL,
    over_at     INTEGER NOT NULL,
    status      INTEGER,
    headers     TEXT,
    body        BLOB,
    PRIMARY KEY (workspace, key)
) WITHOUT ROWID;

CREATE INDEX waypost_idempotency_over ON waypost_idempotency (over_at);

-- The outbox. AUTOINCREMENT: a number never comes again, so the order of numbers is the order of commits.
-- `free_at` is 0 until the first claim, then the end of the lease or the moment of the retry.
-- `token` grows with each claim and each verdict, so an old one never fits again.
CREATE TABLE waypost_outbox (
    entry       INTEGER PRIMARY KEY AUTOINCREMENT,
    ordering    TEXT NOT NULL,
    free_at     INTEGER NOT NULL DEFAULT 0,
    token       INTEGER NOT NULL DEFAULT 0,
    attempts    INTEGER NOT NULL DEFAULT 0,
    id          BLOB NOT NULL,
    type        TEXT NOT NULL,
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    workspace   BLOB NOT NULL,
    subject     TEXT,
    traceparent TEXT,
    data        TEXT NOT NULL
);

-- Outbox 4: what may hold up others of its key. Entries that nobody has touched yet are not in it.
CREATE INDEX waypost_outbox_held ON waypost_outbox (ordering, entry) WHERE free_at > 0;

-- What was set aside; in a table of its own, it is in nobody's way.
CREATE TABLE waypost_outbox_dead (
    entry       INTEGER PRIMARY KEY,
    reason      TEXT NOT NULL,
    ordering    TEXT NOT NULL,
    token       INTEGER NOT NULL,
    id          BLOB NOT NULL,
    type        TEXT NOT NULL,
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    workspace   BLOB NOT NULL,
    subject     TEXT,
    traceparent TEXT,
    data        TEXT NOT NULL
);

-- The log of events. One writer at a time: the order of offsets is the order in which events become visible.
CREATE TABLE waypost_event (
    offset      INTEGER PRIMARY KEY AUTOINCREMENT,
    id          BLOB NOT NULL UNIQUE,
    type        TEXT NOT NULL,
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    workspace   BLOB NOT NULL,
    subject     TEXT,
    traceparent TEXT,
    data        TEXT NOT NULL
);

CREATE INDEX waypost_event_workspace ON waypost_event (workspace, offset);

-- One row: which log this is, and up to where it was trimmed.
CREATE TABLE waypost_event_log (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    epoch   INTEGER NOT NULL,
    trimmed INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE waypost_event_group (
    name         TEXT PRIMARY KEY NOT NULL,
    acked        INTEGER NOT NULL,
    leased_until INTEGER NOT NULL DEFAULT 0,
    token        INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- Rate limits: one state a policy and key, forgotten once the full quota is there again.
CREATE TABLE waypost_limit (
    policy  TEXT NOT NULL,
    key     TEXT NOT NULL,
    state   BLOB NOT NULL,
    over_at INTEGER NOT NULL,
    PRIMARY KEY (policy, key)
) WITHOUT ROWID;

CREATE INDEX waypost_limit_over ON waypost_limit (over_at);

-- Credentials; secrets of clients as hashes only.
CREATE TABLE waypost_workspace (
    id         BLOB PRIMARY KEY NOT NULL,
    name       TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE waypost_api_key (
    id           BLOB PRIMARY KEY NOT NULL,
    workspace    BLOB NOT NULL,
    name         TEXT NOT NULL,
    hash         BLOB NOT NULL UNIQUE,
    hint         TEXT NOT NULL,
    scopes       TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    last_used_at INTEGER,
    revoked_at   INTEGER
) WITHOUT ROWID;

CREATE INDEX waypost_api_key_workspace ON waypost_api_key (workspace, created_at, id);

CREATE TABLE waypost_secret (
    name  TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL
) WITHOUT ROWID;

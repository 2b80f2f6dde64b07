-- Before: no clicks. After: single clicks by the day, and what they add up to.

-- Clicks as they came, until retention takes them. One partition a day (UTC), made when its first click comes, so that
-- retention drops a day as a whole. There is none for the rest: what a day's partition holds would have to be looked for
-- there each time one is made.
CREATE TABLE waypost_click (
    workspace UUID NOT NULL,
    id        UUID NOT NULL,
    link      UUID NOT NULL,
    at        TIMESTAMPTZ NOT NULL,
    class     SMALLINT NOT NULL,
    is_bot    BOOLEAN NOT NULL,
    country   TEXT,
    referrer  TEXT,
    browser   TEXT,
    os        TEXT,
    device    TEXT,
    -- ClickStore 1, and the order of an export. An id names a place in a spool, and what is written there has one moment
    -- and one workspace: a click that comes again comes with the same ones, so this is unique by id.
    PRIMARY KEY (workspace, id, at)
) PARTITION BY RANGE (at);

-- Retention takes the oldest of the day that it stands in.
CREATE INDEX waypost_click_age ON waypost_click (at);

-- What clicks add up to, for good (ClickStore 3). A row is updated by every batch of its link: the room that is left on
-- each page keeps the new versions beside the old, without a change of an index.
CREATE TABLE waypost_click_total (
    link      UUID PRIMARY KEY,
    workspace UUID NOT NULL,
    human     BIGINT NOT NULL,
    bot       BIGINT NOT NULL,
    duplicate BIGINT NOT NULL
) WITH (fillfactor = 70);

-- A question is answered from the index alone, where what belongs to a link stands together; in the table it stands where
-- there was room on the day, and a year of a link would be a thousand places on the disk. The price: a change of a count
-- is a change of the index.
CREATE TABLE waypost_click_hour (
    link      UUID NOT NULL,
    hour      TIMESTAMPTZ NOT NULL,
    human     BIGINT NOT NULL,
    bot       BIGINT NOT NULL,
    duplicate BIGINT NOT NULL,
    PRIMARY KEY (link, hour) INCLUDE (human, bot, duplicate)
);

CREATE TABLE waypost_click_facet (
    link      UUID NOT NULL,
    facet     TEXT COLLATE "C" NOT NULL,
    day       TIMESTAMPTZ NOT NULL,
    value     TEXT COLLATE "C" NOT NULL,
    human     BIGINT NOT NULL,
    bot       BIGINT NOT NULL,
    duplicate BIGINT NOT NULL,
    PRIMARY KEY (link, facet, day, value) INCLUDE (human, bot, duplicate)
);

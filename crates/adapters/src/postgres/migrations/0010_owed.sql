-- Before: what was counted is told with the batch that counted it.
-- After: it is owed, and told apart. A node of the version before tells what it counts by itself, and owes nothing, as
-- nothing is owed for what was counted before: so what all events of a link say adds up, while nodes are restarted one by
-- one, too.

-- Links that were counted for and not told yet, or told a moment ago (ClickStore 7 and 9). A row that says
-- neither goes with a later telling, or with the look that begins at the first turn, once a minute.
-- A row is updated by every batch of its link: beside the old versions there is room on each page, and no index changes but by
-- the first batch after a telling, and by the telling.
CREATE TABLE waypost_click_owed (
    link      UUID PRIMARY KEY,
    workspace UUID NOT NULL,
    human     BIGINT NOT NULL,
    bot       BIGINT NOT NULL,
    duplicate BIGINT NOT NULL,
    -- `-infinity` where it was not told of late. By the clock of who told.
    told_at   TIMESTAMPTZ NOT NULL DEFAULT '-infinity',
    -- When it came to be owed, or else was told last, by the clock of the database: the order of turns.
    place     TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0);

-- ClickStore 10: whose turn it is. A look begins ten seconds back, and steps over none of what was there before.
CREATE INDEX waypost_click_owed_turn ON waypost_click_owed (place) WITH (fillfactor = 50);

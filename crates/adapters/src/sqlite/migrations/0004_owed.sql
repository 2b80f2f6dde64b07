-- Before: what was counted is told with the batch that counted it.
-- After: it is owed, and told apart. What was counted before was told, so nothing is owed for it.

-- Links that were counted for and not told yet, or told a moment ago (ClickStore 7 and 9). A row that says
-- neither goes with a later telling.
CREATE TABLE waypost_click_owed (
    link      BLOB PRIMARY KEY NOT NULL,
    workspace BLOB NOT NULL,
    human     INTEGER NOT NULL,
    bot       INTEGER NOT NULL,
    duplicate INTEGER NOT NULL,
    -- NULL where it was not told of late.
    told_at   INTEGER
) WITHOUT ROWID;

-- ClickStore 10: whose turn it is.
CREATE INDEX waypost_click_owed_turn ON waypost_click_owed (told_at);

-- Before: no links. After: links, and every way in which they are looked for.

-- `admitted` is changed by the admission of a limited link only; clicks are counted in `waypost_click_total`. Texts that
-- are compared or sorted are so by their bytes, as the platform does it.
CREATE TABLE waypost_link (
    id              UUID PRIMARY KEY,
    workspace       UUID NOT NULL,
    domain          TEXT COLLATE "C" NOT NULL,
    slug            TEXT COLLATE "C" NOT NULL,
    destination     TEXT COLLATE "C" NOT NULL,
    title           TEXT,
    tags            TEXT[] COLLATE "C" NOT NULL,
    redirect_status INTEGER NOT NULL,
    referrer_policy TEXT,
    cache_seconds   BIGINT,
    expires_at      TIMESTAMPTZ,
    expiry_told     BOOLEAN NOT NULL DEFAULT false,
    disabled_at     TIMESTAMPTZ,
    max_clicks      BIGINT,
    admitted        BIGINT NOT NULL DEFAULT 0,
    metadata        TEXT NOT NULL,
    created_at      TIMESTAMPTZ NOT NULL,
    updated_at      TIMESTAMPTZ NOT NULL,
    version         BIGINT NOT NULL
);

-- LinkStore 1: unique by constraint; the redirect's way in.
CREATE UNIQUE INDEX waypost_link_name ON waypost_link (slug, domain);
-- LinkStore 5: one index a sort order, read in either direction.
CREATE INDEX waypost_link_created ON waypost_link (workspace, created_at, id);
CREATE INDEX waypost_link_updated ON waypost_link (workspace, updated_at, id);
CREATE INDEX waypost_link_slug ON waypost_link (workspace, slug, id);
-- LinkStore 7: an exact destination is found by 8 bytes of hash; a destination has up to 8,192 of its own.
CREATE INDEX waypost_link_destination ON waypost_link (workspace, hashtextextended(destination, 0));
-- LinkStore 7: a tag that few links of a workspace have; links without tags cost nothing here. The workspace stands among
-- the tags, behind a space, which no tag begins with: so the links of others are left out inside the index. A short list
-- of what is still to be sorted in keeps the write that sorts it short.
CREATE INDEX waypost_link_tags ON waypost_link USING gin (array_append(tags, ' ' || workspace::text))
    WITH (gin_pending_list_limit = 256) WHERE tags <> '{}';
-- How many links have a tag: this decides whether they are looked for there, or met along the order of the listing.
CREATE STATISTICS waypost_link_tagged ON (array_append(tags, ' ' || workspace::text)) FROM waypost_link;
-- LinkStore 8: holds only what is still to be told.
CREATE INDEX waypost_link_due ON waypost_link (expires_at, id) WHERE expires_at IS NOT NULL AND NOT expiry_told;

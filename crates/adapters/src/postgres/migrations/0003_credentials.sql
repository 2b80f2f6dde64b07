-- Before: no credentials. After: workspaces, API keys and the platform's secrets; those of clients as hashes only.

CREATE TABLE waypost_workspace (
    id         UUID PRIMARY KEY,
    -- CredentialStore 5: one workspace a name.
    name       TEXT COLLATE "C" NOT NULL UNIQUE,
    created_at TIMESTAMPTZ NOT NULL
);

-- `last_used_at` changes often and is in no index; the room that is left on each page keeps the new row beside the old.
CREATE TABLE waypost_api_key (
    id           UUID PRIMARY KEY,
    workspace    UUID NOT NULL,
    name         TEXT NOT NULL,
    -- CredentialStore 2: one key a hash.
    hash         BYTEA NOT NULL UNIQUE,
    hint         TEXT NOT NULL,
    scopes       TEXT NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL,
    expires_at   TIMESTAMPTZ,
    last_used_at TIMESTAMPTZ,
    revoked_at   TIMESTAMPTZ
) WITH (fillfactor = 80);

-- CredentialStore 6: the keys of a workspace, oldest first.
CREATE INDEX waypost_api_key_workspace ON waypost_api_key (workspace, created_at, id);

CREATE TABLE waypost_secret (
    -- CredentialStore 4: one secret a name.
    name  TEXT COLLATE "C" PRIMARY KEY,
    value BYTEA NOT NULL
);

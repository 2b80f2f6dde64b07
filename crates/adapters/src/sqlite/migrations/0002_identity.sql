-- Before: API keys without a plan; no clients, no people, no grants, no webhook endpoints.
-- After: a key can name the plan that it is limited by; OAuth clients, users and their roles, grants with their tokens,
-- denied access tokens, and webhook endpoints. Secrets as hashes only, those of endpoints sealed.

ALTER TABLE waypost_api_key ADD COLUMN plan TEXT;

CREATE TABLE waypost_client (
    -- ClientStore 3: one client an id.
    id            BLOB PRIMARY KEY NOT NULL,
    workspace     BLOB NOT NULL,
    name          TEXT NOT NULL,
    scopes        TEXT NOT NULL,
    plan          TEXT,
    -- JSON, newest first: hash as 32 bytes, hint, moment of making, end.
    secrets       TEXT NOT NULL,
    jwks          TEXT,
    -- JSON: an array of texts.
    redirect_uris TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    revoked_at    INTEGER,
    -- ClientStore 4: a change names the version before it.
    version       INTEGER NOT NULL
);

-- ClientStore 5: the clients of a workspace, oldest first.
CREATE INDEX waypost_client_workspace ON waypost_client (workspace, created_at, id);

CREATE TABLE waypost_user (
    id           BLOB PRIMARY KEY NOT NULL,
    issuer       TEXT NOT NULL,
    subject      TEXT NOT NULL,
    name         TEXT,
    email        TEXT,
    created_at   INTEGER NOT NULL,
    signed_in_at INTEGER
) WITHOUT ROWID;

-- MemberStore 1: one user an identity, byte for byte.
CREATE UNIQUE INDEX waypost_user_identity ON waypost_user (issuer, subject);

CREATE TABLE waypost_member (
    workspace BLOB NOT NULL,
    user_id   BLOB NOT NULL,
    role      TEXT NOT NULL,
    since     INTEGER NOT NULL,
    -- MemberStore 3: one role in a workspace.
    PRIMARY KEY (workspace, user_id)
) WITHOUT ROWID;

-- The members of a workspace, and what a user is a member of, each the longest first.
CREATE INDEX waypost_member_since ON waypost_member (workspace, since, user_id);
CREATE INDEX waypost_member_user ON waypost_member (user_id, since, workspace);
-- MemberStore 4: whether there is another owner.
CREATE INDEX waypost_member_owner ON waypost_member (workspace, user_id) WHERE role = 'owner';

CREATE TABLE waypost_grant (
    id         BLOB PRIMARY KEY NOT NULL,
    user_id    BLOB NOT NULL,
    client     BLOB,
    workspace  BLOB NOT NULL,
    scopes     TEXT NOT NULL,
    label      TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    used_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at   INTEGER
) WITHOUT ROWID;

-- The live grants of a person, newest first; also ends all of a person, or those in one workspace.
CREATE INDEX waypost_grant_user ON waypost_grant (user_id, created_at, id) WHERE ended_at IS NULL;
-- Ends what was given to a client.
CREATE INDEX waypost_grant_client ON waypost_grant (client) WHERE ended_at IS NULL AND client IS NOT NULL;
-- GrantStore 7: when a grant was over, one way or the other.
CREATE INDEX waypost_grant_over ON waypost_grant (min(expires_at, coalesce(ended_at, expires_at)));

CREATE TABLE waypost_grant_token (
    -- Which of two tokens of a grant came first.
    place      INTEGER PRIMARY KEY,
    -- GrantStore 3: one token a hash.
    hash       BLOB NOT NULL UNIQUE,
    kind       TEXT NOT NULL,
    grant_id   BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    binding    BLOB,
    used_at    INTEGER
);

-- Whether a token that came later was used; and the tokens of a grant that is forgotten.
CREATE INDEX waypost_grant_token_grant ON waypost_grant_token (grant_id, place);
-- GrantStore 7: what is over by itself.
CREATE INDEX waypost_grant_token_over ON waypost_grant_token (expires_at);

-- GrantStore 6: access tokens that were revoked before their end.
CREATE TABLE waypost_denied_token (
    id         BLOB PRIMARY KEY NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;

-- GrantStore 7.
CREATE INDEX waypost_denied_token_over ON waypost_denied_token (expires_at);

CREATE TABLE waypost_webhook (
    workspace   BLOB NOT NULL,
    id          BLOB NOT NULL,
    target      TEXT NOT NULL,
    -- JSON: an array of texts.
    events      TEXT NOT NULL,
    description TEXT,
    is_enabled  INTEGER NOT NULL,
    -- WebhookStore 1: sealed.
    secret      BLOB NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    -- WebhookStore 4 and 5.
    PRIMARY KEY (workspace, id)
);

-- The endpoints of a workspace, oldest first; and WebhookStore 3, how many there are.
CREATE INDEX waypost_webhook_created ON waypost_webhook (workspace, created_at, id);

-- Before: API keys without a plan; no clients, no people, no grants, no webhook endpoints.
-- After: a key can name the plan that it is limited by; OAuth clients, users and their roles, grants with their tokens,
-- denied access tokens, and webhook endpoints. Secrets as hashes only, those of endpoints sealed. Nodes of the version
-- before go on working: they name the columns that they read and write.

ALTER TABLE waypost_api_key ADD COLUMN plan TEXT;

CREATE TABLE waypost_client (
    -- ClientStore 3: one client an id.
    id            UUID PRIMARY KEY,
    workspace     UUID NOT NULL,
    name          TEXT NOT NULL,
    scopes        TEXT NOT NULL,
    plan          TEXT,
    -- JSON, newest first: hash as 32 bytes, hint, moment of making, end.
    secrets       TEXT NOT NULL,
    jwks          TEXT,
    redirect_uris TEXT[] NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL,
    revoked_at    TIMESTAMPTZ,
    -- ClientStore 4: a change names the version before it.
    version       BIGINT NOT NULL
);

-- ClientStore 5: the clients of a workspace, oldest first.
CREATE INDEX waypost_client_workspace ON waypost_client (workspace, created_at, id);

-- Every sign-in writes a row: the room that is left on each page keeps the new one beside the old.
CREATE TABLE waypost_user (
    id           UUID PRIMARY KEY,
    issuer       TEXT COLLATE "C" NOT NULL,
    subject      TEXT COLLATE "C" NOT NULL,
    name         TEXT,
    email        TEXT,
    created_at   TIMESTAMPTZ NOT NULL,
    signed_in_at TIMESTAMPTZ,
    -- MemberStore 1: one user an identity, byte for byte.
    CONSTRAINT waypost_user_identity UNIQUE (issuer, subject)
) WITH (fillfactor = 80);

CREATE TABLE waypost_member (
    workspace UUID NOT NULL,
    user_id   UUID NOT NULL,
    role      TEXT NOT NULL,
    since     TIMESTAMPTZ NOT NULL,
    -- MemberStore 3: one role in a workspace.
    PRIMARY KEY (workspace, user_id)
);

-- The members of a workspace, and what a user is a member of, each the longest first.
CREATE INDEX waypost_member_since ON waypost_member (workspace, since, user_id);
CREATE INDEX waypost_member_user ON waypost_member (user_id, since, workspace);
-- MemberStore 4: whether there is another owner.
CREATE INDEX waypost_member_owner ON waypost_member (workspace, user_id) WHERE role = 'owner';

-- `used_at` changes often and is in no index, so a new row can stay beside the old.
CREATE TABLE waypost_grant (
    id         UUID PRIMARY KEY,
    user_id    UUID NOT NULL,
    client     UUID,
    workspace  UUID NOT NULL,
    scopes     TEXT NOT NULL,
    label      TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    used_at    TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    ended_at   TIMESTAMPTZ
) WITH (fillfactor = 80);

-- The live grants of a person, newest first; also ends all of a person, or those in one workspace.
CREATE INDEX waypost_grant_user ON waypost_grant (user_id, created_at, id) WHERE ended_at IS NULL;
-- Ends what was given to a client.
CREATE INDEX waypost_grant_client ON waypost_grant (client) WHERE ended_at IS NULL AND client IS NOT NULL;
-- GrantStore 7: when a grant was over, one way or the other.
CREATE INDEX waypost_grant_over ON waypost_grant (least(expires_at, ended_at));

CREATE TABLE waypost_grant_token (
    -- GrantStore 3: one token a hash.
    hash       BYTEA PRIMARY KEY,
    -- Which of two tokens of a grant came first. Drawn while the grant is locked, so it follows the order of turns.
    place      BIGINT GENERATED ALWAYS AS IDENTITY,
    kind       TEXT NOT NULL,
    grant_id   UUID NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    binding    BYTEA,
    used_at    TIMESTAMPTZ
) WITH (fillfactor = 90);

-- Whether a token that came later was used; and the tokens of a grant that is forgotten.
CREATE INDEX waypost_grant_token_grant ON waypost_grant_token (grant_id, place);
-- GrantStore 7: what is over by itself.
CREATE INDEX waypost_grant_token_over ON waypost_grant_token (expires_at);

-- GrantStore 6: access tokens that were revoked before their end.
CREATE TABLE waypost_denied_token (
    id         UUID PRIMARY KEY,
    expires_at TIMESTAMPTZ NOT NULL
);

-- GrantStore 7.
CREATE INDEX waypost_denied_token_over ON waypost_denied_token (expires_at);

CREATE TABLE waypost_webhook (
    workspace   UUID NOT NULL,
    id          UUID NOT NULL,
    target      TEXT NOT NULL,
    events      TEXT[] NOT NULL,
    description TEXT,
    is_enabled  BOOLEAN NOT NULL,
    -- WebhookStore 1: sealed.
    secret      BYTEA NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    updated_at  TIMESTAMPTZ NOT NULL,
    version     BIGINT NOT NULL,
    -- WebhookStore 4 and 5.
    PRIMARY KEY (workspace, id)
);

-- The endpoints of a workspace, oldest first; and WebhookStore 3, how many there are.
CREATE INDEX waypost_webhook_created ON waypost_webhook (workspace, created_at, id);

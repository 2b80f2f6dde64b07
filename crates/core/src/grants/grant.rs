//! Grants and their tokens, as they are kept.

use jiff::Timestamp;

use crate::credentials::{Scopes, SecretHash, SecretKind};
use crate::ids::{ClientId, GrantId, UserId, WorkspaceId};

/// What a person allowed. In OAuth's words: the family of the tokens that came of one consent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its id; the claim `sid` of access tokens.
    pub id: GrantId,
    /// Who allowed it.
    pub user: UserId,
    /// Whom they allowed it; `None` for their own browser.
    pub client: Option<ClientId>,
    /// The workspace that is acted in.
    pub workspace: WorkspaceId,
    /// The most that may be done under it. What may be done is this and what the person's role allows at the time.
    pub scopes: Scopes,
    /// What it is known to the person by: the browser's words for itself, or the client's name. At most 200 characters.
    pub label: String,
    /// When it was given.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub used_at: Timestamp,
    /// From when on it is void, however much it is used.
    pub expires_at: Timestamp,
    /// When it was ended before its time.
    pub ended_at: Option<Timestamp>,
}

impl Grant {
    /// Whether it holds at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && self.expires_at > now
    }
}

/// A secret under which a grant is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantToken {
    /// The hash of its text.
    pub hash: SecretHash,
    /// What it is: a session's token stays, a code and a refresh token are used once.
    pub kind: SecretKind,
    /// The grant.
    pub grant: GrantId,
    /// From when on it is void.
    pub expires_at: Timestamp,
    /// What must be shown along with it, as a hash: a code's client, redirect URI and PKCE challenge.
    pub binding: Option<SecretHash>,
    /// When it was used up.
    pub used_at: Option<Timestamp>,
}

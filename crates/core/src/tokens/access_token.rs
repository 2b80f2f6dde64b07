//! Access tokens: what they say, and how that is written (RFC 9068).

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Claims, Fault};
use crate::credentials::Scopes;
use crate::ids::{ClientId, GrantId, TokenId, UserId, WorkspaceId};

/// In whose name a token is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// The client's own (RFC 6749 §4.4).
    Client,
    /// A person's, who granted it.
    User(UserId, GrantId),
}

/// What an access token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// Its id, `jti`.
    pub id: TokenId,
    /// Whom it was issued to, `client_id`.
    pub client: ClientId,
    /// In whose name it is used: `sub`, and for people `sid`, the grant.
    pub bearer: Bearer,
    /// The workspace that is acted in, `workspace_id`.
    pub workspace: WorkspaceId,
    /// The most that may be done with it, `scope`.
    pub scopes: Scopes,
    /// When it was issued, `iat`, in whole seconds.
    pub issued_at: Timestamp,
    /// From when on it is void, `exp`, in whole seconds.
    pub expires_at: Timestamp,
}

impl AccessToken {
    /// The type in its header (RFC 9068 §2.1).
    pub(crate) const TYPE: &'static str = "at+jwt";

    /// The claims, as `issuer` makes them for itself.
    pub(crate) fn claims(&self, issuer: &str) -> Value {
        let mut claims = json!({
            "iss": issuer,
            "aud": issuer,
            "sub": self.subject(),
            "client_id": self.client.to_string(),
            "workspace_id": self.workspace.to_string(),
            "scope": self.scopes.to_string(),
            "iat": self.issued_at.as_second(),
            "exp": self.expires_at.as_second(),
            "jti": self.id.to_string(),
        });
        if let Bearer::User(_, grant) = self.bearer {
            claims["sid"] = grant.to_string().into();
        }
        claims
    }

    /// In whose name it is used, as `sub` says it.
    pub fn subject(&self) -> String {
        match self.bearer {
            Bearer::Client => self.client.to_string(),
            Bearer::User(user, _) => user.to_string(),
        }
    }

    /// Reads the claims of a token that `issuer` has signed, as they hold at `now`. Our own clocks are close together, so
    /// the end is the end; a beginning may lie ahead by what they differ.
    pub(crate) fn read(claims: Claims<'_>, issuer: &str, now: Timestamp) -> Result<Self, Fault> {
        claims.require_issuer(issuer)?;
        claims.require_audience(&[issuer])?;
        let expires_at = claims.require_now(now, Duration::ZERO)?;
        let client = claims.parsed("client_id", ClientId::parse)?;
        let subject = claims.text("sub")?;
        let bearer = match claims.optional_text("sid")? {
            None if subject == client.to_string() => Bearer::Client,
            None => return Err(Fault::Claim("sub")),
            Some(grant) => Bearer::User(
                UserId::parse(subject).map_err(|_| Fault::Claim("sub"))?,
                GrantId::parse(grant).map_err(|_| Fault::Claim("sid"))?,
            ),
        };
        Ok(Self {
            id: claims.parsed("jti", TokenId::parse)?,
            client,
            bearer,
            workspace: claims.parsed("workspace_id", WorkspaceId::parse)?,
            scopes: claims.parsed("scope", Scopes::parse)?,
            issued_at: claims.moment("iat")?.ok_or(Fault::Claim("iat"))?,
            expires_at,
        })
    }
}

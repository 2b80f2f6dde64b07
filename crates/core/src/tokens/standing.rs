//! Whether a token that is good still stands.

use jiff::Timestamp;

use super::{AccessToken, Bearer, Fault, Tokens};
use crate::credentials::{Actor, Principal};
use crate::error::Result;
use crate::ids::{ClientId, GrantId, TokenId};

/// An access token that was found good and that stands.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Who asks, and what they may do: what the token says, as far as client, grant and role still allow it.
    pub principal: Principal,
    /// The token's id.
    pub token: TokenId,
    /// Whom it was issued to.
    pub client: ClientId,
    /// The grant, where a person's.
    pub grant: Option<GrantId>,
    /// From when on it is void.
    pub expires_at: Timestamp,
}

impl Tokens {
    /// Asks what may have changed since the token was issued. The stores are asked each time, and may believe what they
    /// know for a second.
    pub(super) async fn stand(&self, token: &AccessToken, now: Timestamp) -> Result<Verified> {
        let client = self.clients.client(token.client).await?;
        let client = client.filter(|client| client.revoked_at.is_none() && client.workspace == token.workspace);
        let client = client.ok_or(Fault::ClientGone)?;
        if self.grants.is_denied(token.id, now).await? {
            return Err(Fault::Denied.into());
        }
        let scopes = token.scopes.intersection(client.scopes);
        let (actor, scopes, grant) = match token.bearer {
            Bearer::Client => (Actor::Client(token.client), scopes, None),
            Bearer::User(user, id) => {
                let grant = self.grants.grant(id).await?.filter(|grant| {
                    grant.is_live(now)
                        && grant.user == user
                        && grant.client == Some(token.client)
                        && grant.workspace == token.workspace
                });
                let grant = grant.ok_or(Fault::GrantGone)?;
                let member = self.members.member(token.workspace, user).await?.ok_or(Fault::MemberGone)?;
                let scopes = scopes.intersection(grant.scopes).intersection(member.role.scopes());
                (Actor::User(user), scopes, Some(id))
            }
        };
        let principal = Principal { workspace: token.workspace, actor, scopes, plan: client.plan, traceparent: None };
        Ok(Verified { principal, token: token.id, client: token.client, grant, expires_at: token.expires_at })
    }
}

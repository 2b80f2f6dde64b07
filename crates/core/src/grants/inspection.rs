//! What a client may know of tokens, and which it may take back.

use jiff::Timestamp;

use super::{Authorizations, Ending, Grant};
use crate::clients::{Client, Refusal, RefusalCode};
use crate::credentials::{Scopes, SecretKind, SecretText};
use crate::error::{Error, Kind, Result};
use crate::ids::{ClientId, TokenId};

/// A token that is good, as a client of its workspace may see it (RFC 7662 §2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Its id, of an access token.
    pub id: Option<TokenId>,
    /// Whom it was issued to.
    pub client: ClientId,
    /// In whose name it is used.
    pub subject: String,
    /// What may be done with it now.
    pub scopes: Scopes,
    /// When it was issued, of an access token.
    pub issued_at: Option<Timestamp>,
    /// From when on it is void.
    pub expires_at: Timestamp,
}

impl Authorizations {
    /// Takes a token back (RFC 7009): an access token by itself, a refresh token with all that was granted along with it.
    /// A text that is no token that is good is as good as taken back.
    ///
    /// # Errors
    /// [`RefusalCode::UnauthorizedClient`] for a token of another client, which stays as it is (§2.1).
    pub async fn revoke(&self, client: &Client, text: &str) -> Result<(), Refusal> {
        let now = self.clock.now();
        let foreign = || Refusal::new(RefusalCode::UnauthorizedClient, "The token was issued to another client");
        if let Some(refresh) = SecretText::parse(SecretKind::Refresh, text) {
            let Some((grant, _)) = self.grants.find(refresh.hash()).await? else { return Ok(()) };
            if grant.client != Some(client.id) {
                return Err(foreign());
            }
            self.grants.end(Ending::Grant(grant.id), now).await?;
            return Ok(());
        }
        let Some(token) = good(self.tokens.find_good(text, now).await)? else { return Ok(()) };
        if token.client != client.id {
            return Err(foreign());
        }
        self.tokens.deny(&token).await?;
        Ok(())
    }

    /// What there is to know of a token that is good and of the client's own workspace; `None` of any other text, without
    /// a reason (RFC 7662 §2.2).
    ///
    /// # Errors
    /// [`RefusalCode::UnauthorizedClient`] for a public client, which everybody can claim to be (§2.1).
    pub async fn inspect(&self, client: &Client, text: &str) -> Result<Option<Inspection>, Refusal> {
        if !client.is_confidential() {
            let says = "Only a client that proves who it is may look at tokens";
            return Err(Refusal::new(RefusalCode::UnauthorizedClient, says));
        }
        let now = self.clock.now();
        if let Some(refresh) = SecretText::parse(SecretKind::Refresh, text) {
            let found = self.grants.find(refresh.hash()).await?.filter(|(grant, token)| {
                let is_good = token.used_at.is_none() && token.expires_at > now && grant.is_live(now);
                is_good && token.kind == SecretKind::Refresh && grant.workspace == client.workspace
            });
            let Some((grant, token)) = found else { return Ok(None) };
            let Some(scopes) = self.left_of(&grant).await? else { return Ok(None) };
            return Ok(grant.client.map(|client| Inspection {
                id: None,
                client,
                subject: grant.user.to_string(),
                scopes,
                issued_at: None,
                expires_at: token.expires_at,
            }));
        }
        let Some(verified) = good(self.tokens.verify(text).await)? else { return Ok(None) };
        if verified.principal.workspace != client.workspace {
            return Ok(None);
        }
        let Some(token) = good(self.tokens.find_good(text, now).await)? else { return Ok(None) };
        Ok(Some(Inspection {
            id: Some(token.id),
            client: token.client,
            subject: token.subject(),
            scopes: verified.principal.scopes,
            issued_at: Some(token.issued_at),
            expires_at: token.expires_at,
        }))
    }

    /// What client and role still allow of a grant; `None` if a refresh under it would be refused.
    async fn left_of(&self, grant: &Grant) -> Result<Option<Scopes>, Refusal> {
        let Some(id) = grant.client else { return Ok(None) };
        let owner = self.clients.client(id).await?.filter(|client| client.revoked_at.is_none());
        let Some(owner) = owner else { return Ok(None) };
        match self.allowed(&owner, grant, None).await {
            Ok(scopes) => Ok(Some(scopes)),
            Err(Refusal::Failed(error)) => Err(error.into()),
            Err(Refusal::Refused { .. } | Refusal::Token { .. }) => Ok(None),
        }
    }
}

/// A token that is not good is none; a store that is away is a failure all the same.
fn good<T>(found: Result<T>) -> Result<Option<T>, Error> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), Kind::Unauthenticated | Kind::Expired) => Ok(None),
        Err(error) => Err(error),
    }
}

//! Refresh tokens that rotate.
//!
//! Each is used once, and its successor is derived from it: whoever asks twice, since the first answer was lost, is given
//! the same one. So for some seconds, and until the successor is used, repetition is no theft, and two refreshes at once do
//! not sign a person out. After that a token that comes again has been copied: the grant ends, for the thief and for the
//! person, who confirms anew (RFC 9700 §4.14.2).

use std::time::Duration;

use super::Turn;
use super::authorizations::{Authorizations, Issued, next};
use crate::clients::{Client, Refusal};
use crate::credentials::{Scopes, SecretKind, SecretText};

/// How long a used token still gives its successor. 10 s: a time-out and a retry.
const GRACE: Duration = Duration::from_secs(10);

impl Authorizations {
    /// Tokens for a refresh token (RFC 6749 §6). `scopes` may be fewer than were granted, and never more; the next refresh
    /// token stands for all of them again.
    ///
    /// # Errors
    /// [`InvalidGrant`](crate::clients::RefusalCode::InvalidGrant) for a token that is not good or is another client's;
    /// [`InvalidScope`](crate::clients::RefusalCode::InvalidScope).
    pub async fn by_refresh(&self, client: &Client, shown: &str, scopes: Option<Scopes>) -> Result<Issued, Refusal> {
        let now = self.clock.now();
        let old = SecretText::parse(SecretKind::Refresh, shown);
        let old = old.ok_or(Refusal::grant("the refresh token is of another form"))?;
        let found = self.grants.find(old.hash()).await?.filter(|(_, token)| token.kind == SecretKind::Refresh);
        let (grant, token) = found.ok_or(Refusal::grant("there is no such refresh token"))?;
        if grant.client != Some(client.id) {
            return Err(Refusal::grant("the refresh token is another client's"));
        }
        if !grant.is_live(now) {
            return Err(Refusal::grant("the refresh token's grant has ended"));
        }
        if token.used_at.is_none() && token.expires_at <= now {
            return Err(Refusal::grant("the refresh token was not used for too long"));
        }
        let scopes = self.allowed(client, &grant, scopes).await?;
        let successor = SecretText::after(SecretKind::Refresh, &old, self.successor_key().await?);
        match self.grants.turn(old.hash(), &next(&successor, &grant, now), now).await? {
            Turn::Done => self.issue(client, &grant, scopes, successor).await,
            Turn::Used { at, went_on: false } if now <= at + GRACE => {
                self.issue(client, &grant, scopes, successor).await
            }
            Turn::Used { .. } => Err(self.end_reused(&grant, "a refresh token was used again").await?),
            Turn::Unknown => Err(Refusal::grant("the refresh token's grant was ended")),
        }
    }
}

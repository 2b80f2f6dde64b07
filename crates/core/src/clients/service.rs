//! Registering clients, and what becomes of them.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{Client, ClientAuth, ClientDraft, ClientSecret, ClientStore};
use crate::clock::Clock;
use crate::credentials::{Principal, Scope, SecretKind, SecretText};
use crate::entropy::Entropy;
use crate::error::{Error, Issue, Kind, Result};
use crate::grants::{Ending, GrantStore};
use crate::idempotency::{Idempotency, IdempotencyOptions};
use crate::ids::ClientId;
use crate::ports::Ports;

/// The most clients of a workspace that are not revoked: a bound for scripts that run away. It is looked at before a
/// client is kept, so a few registered at the very same moment may go beyond.
const MOST: usize = 1_000;
/// How often a change is tried that others get in the way of.
const TRIES: usize = 5;

/// A client, and its secret where one was just made.
#[derive(Debug)]
pub struct IssuedClient {
    /// The client.
    pub client: Client,
    /// The text of its secret, which is never to be seen again.
    pub secret: Option<SecretText>,
}

/// Registers OAuth clients, and tells whether one is who it says.
#[derive(Debug)]
pub struct Clients {
    pub(super) store: Arc<dyn ClientStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) issuer: Box<str>,
    pub(super) token_endpoint: Box<str>,
    /// Ids of assertions that were shown.
    pub(super) shown: Idempotency,
    grants: Arc<dyn GrantStore>,
    entropy: Arc<dyn Entropy>,
}

impl Clients {
    /// Where the token endpoint is, below the issuer.
    pub const TOKEN_PATH: &str = "/oauth/token";
    /// How long old secrets live on after a rotation, unless it says otherwise. A day, as for webhooks (§11).
    pub const OVERLAP: Duration = Duration::from_secs(24 * 60 * 60);
    /// The longest that they may live on. A week.
    pub const MOST_OVERLAP: Duration = Duration::from_secs(7 * 24 * 60 * 60);

    /// Clients of `issuer`, the platform's public URL without a slash at its end, over these ports.
    pub fn new(issuer: &str, ports: &Ports) -> Self {
        let (clock, entropy) = (ports.clock.clone(), ports.entropy.clone());
        let options = IdempotencyOptions { lease: Self::REMEMBERED, keep: Self::REMEMBERED };
        Self {
            store: ports.clients.clone(),
            shown: Idempotency::new(ports.idempotency.clone(), clock.clone(), entropy.clone(), options),
            grants: ports.grants.clone(),
            token_endpoint: format!("{issuer}{}", Self::TOKEN_PATH).into(),
            issuer: issuer.into(),
            clock,
            entropy,
        }
    }

    /// Registers a client.
    ///
    /// # Errors
    /// [`Forbidden`](Kind::Forbidden) for scopes or a plan that are not theirs to give; [`Invalid`](Kind::Invalid) for a
    /// draft whose parts do not go together; [`Conflict`](Kind::Conflict) where there are too many.
    pub async fn register(&self, who: &Principal, draft: ClientDraft) -> Result<IssuedClient> {
        who.require(Scope::ClientsWrite)?;
        draft.check().map_err(|issue| Error::invalid(vec![issue]))?;
        let plan = draft.plan.or_else(|| who.plan.clone());
        who.may_grant(draft.scopes, plan.as_ref())?;
        if self.store.clients(who.workspace).await?.iter().filter(|client| client.revoked_at.is_none()).count() >= MOST
        {
            let message = format!("The workspace has {MOST} clients; revoke those that are not needed");
            return Err(Error::new(Kind::Conflict, message));
        }
        let now = self.clock.now();
        let secret = (draft.auth == ClientAuth::Secret).then(|| self.draw());
        let client = Client {
            id: ClientId::fresh(now, &*self.entropy),
            workspace: who.workspace,
            name: draft.name,
            scopes: draft.scopes,
            plan,
            secrets: secret.iter().map(|text| kept(text, now)).collect(),
            jwks: draft.keys.map(|keys| keys.as_str().to_owned()),
            redirect_uris: draft.redirect_uris,
            created_at: now,
            revoked_at: None,
            version: 1,
        };
        let client = self.store.insert_client(&client).await?;
        Ok(IssuedClient { client, secret })
    }

    /// The clients of the caller's workspace that are not revoked, oldest first.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn list(&self, who: &Principal) -> Result<Vec<Client>> {
        who.require(Scope::ClientsRead)?;
        let mut clients = self.store.clients(who.workspace).await?;
        clients.retain(|client| client.revoked_at.is_none());
        Ok(clients)
    }

    /// A client of the caller's workspace, revoked or not.
    ///
    /// # Errors
    /// [`NotFound`](Kind::NotFound) if there is none of this id in the workspace.
    pub async fn get(&self, who: &Principal, id: ClientId) -> Result<Client> {
        who.require(Scope::ClientsRead)?;
        self.own(who, id).await
    }

    /// Makes another secret. The ones before live on for `overlap`, and no longer than they would have.
    ///
    /// # Errors
    /// [`NotFound`](Kind::NotFound); [`Forbidden`](Kind::Forbidden) for a client that may do more than the caller, who
    /// would have its scopes with the secret; [`Invalid`](Kind::Invalid) for an overlap of more than a week;
    /// [`Conflict`](Kind::Conflict) for a client that is revoked or has no secret, and where too many live on already.
    pub async fn rotate(&self, who: &Principal, id: ClientId, overlap: Duration) -> Result<IssuedClient> {
        who.require(Scope::ClientsWrite)?;
        if overlap > Self::MOST_OVERLAP {
            return Err(Error::invalid(vec![Issue::new("overlap", "must be at most 604800 seconds, a week")]));
        }
        for _ in 0..TRIES {
            let mut client = self.own(who, id).await?;
            who.may_grant(client.scopes, client.plan.as_ref())?;
            if client.revoked_at.is_some() {
                return Err(Error::new(Kind::Conflict, "The client is revoked"));
            }
            if client.secrets.is_empty() {
                return Err(Error::new(Kind::Conflict, "The client proves who it is without a secret"));
            }
            let now = self.clock.now();
            for secret in &mut client.secrets {
                let ends = now + overlap;
                secret.expires_at = Some(secret.expires_at.map_or(ends, |at| at.min(ends)));
            }
            client.secrets.retain(|secret| secret.expires_at.is_none_or(|at| at > now));
            if client.secrets.len() >= Client::SECRETS {
                let message = "Three secrets are live; wait until one ends, or rotate with an overlap of 0";
                return Err(Error::new(Kind::Conflict, message));
            }
            let text = self.draw();
            client.secrets.insert(0, kept(&text, now));
            client.version += 1;
            if self.store.update_client(&client).await? {
                return Ok(IssuedClient { client, secret: Some(text) });
            }
        }
        Err(Error::new(Kind::Conflict, "The client is being changed by others; try again"))
    }

    /// Revokes a client for good, and ends what people granted it; on every node within a second. Revoking it again
    /// changes nothing.
    ///
    /// # Errors
    /// [`NotFound`](Kind::NotFound) if there is none of this id in the workspace.
    pub async fn revoke(&self, who: &Principal, id: ClientId) -> Result<Client> {
        who.require(Scope::ClientsWrite)?;
        for _ in 0..TRIES {
            let mut client = self.own(who, id).await?;
            let now = self.clock.now();
            let is_done = client.revoked_at.is_some() || {
                client.revoked_at = Some(now);
                client.version += 1;
                self.store.update_client(&client).await?
            };
            if is_done {
                // Once more for one that is revoked already: the first time it may have got no further than here.
                self.grants.end(Ending::Client(id), now).await?;
                return Ok(client);
            }
        }
        Err(Error::new(Kind::Conflict, "The client is being changed by others; try again"))
    }

    async fn own(&self, who: &Principal, id: ClientId) -> Result<Client> {
        let client = self.store.client(id).await?.filter(|client| client.workspace == who.workspace);
        client.ok_or_else(|| Error::not_found("OAuth client"))
    }

    fn draw(&self) -> SecretText {
        SecretText::generate(SecretKind::Client, &*self.entropy)
    }
}

fn kept(text: &SecretText, now: Timestamp) -> ClientSecret {
    let shown = text.expose();
    let hint = shown[shown.len() - 4..].to_owned();
    ClientSecret { hash: text.hash(), hint, created_at: now, expires_at: None }
}

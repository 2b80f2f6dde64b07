//! Registering endpoints.

use std::sync::Arc;

use super::{
    CustomHeaders, Endpoint, EndpointDraft, EndpointState, FieldFilter, Format, Ordering, Scheme, SealedSecret,
    WebhookSecret, WebhookStore,
};
use crate::clock::Clock;
use crate::credentials::{Principal, Scope};
use crate::entropy::Entropy;
use crate::error::{Error, Kind, Result};
use crate::ids::WebhookId;
use crate::seal::Seal;

/// The most endpoints of a workspace. Each is asked about every event, so there is a bound; no partner has as many.
pub const MOST_ENDPOINTS: u32 = 100;

/// Webhook endpoints: register, list, read, delete.
#[derive(Debug)]
pub struct Webhooks {
    store: Arc<dyn WebhookStore>,
    seal: Arc<Seal>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// An endpoint that was just registered, with its secret.
#[derive(Debug)]
pub struct Registered {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The secret's text, which is never to be seen again.
    pub secret: WebhookSecret,
}

impl Webhooks {
    /// Over `store`, with secrets sealed by `seal`.
    pub fn new(
        store: Arc<dyn WebhookStore>,
        seal: Arc<Seal>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { store, seal, clock, entropy }
    }

    /// Registers an endpoint.
    ///
    /// # Errors
    /// [`Kind::InsufficientScope`]; [`Kind::Conflict`] where the workspace has [`MOST_ENDPOINTS`]; those of the store.
    pub async fn register(&self, who: &Principal, draft: EndpointDraft) -> Result<Registered> {
        who.require(Scope::WebhooksWrite)?;
        let now = self.clock.now();
        let id = WebhookId::fresh(now, &*self.entropy);
        let secret = WebhookSecret::generate(&*self.entropy);
        let sealed = self.seal.close(secret.expose_bytes(), id.to_string().as_bytes(), &*self.entropy)?;
        let endpoint = Endpoint {
            id,
            workspace: who.workspace,
            target: draft.target,
            events: draft.events,
            filter: FieldFilter::default(),
            headers: CustomHeaders::default(),
            description: draft.description,
            format: Format::Waypost,
            payload_version: 1,
            ordering: Ordering::None,
            rate_limit: None,
            concurrency: Endpoint::CONCURRENCY,
            state: if draft.is_enabled { EndpointState::Enabled } else { EndpointState::Disabled },
            verified_at: None,
            scheme: Scheme::Hmac,
            secrets: vec![SealedSecret { sealed, made_at: now, ends_at: None }],
            created_at: now,
            updated_at: now,
            version: 1,
        };
        if !self.store.insert_endpoint(&endpoint, MOST_ENDPOINTS).await? {
            let message = format!("The workspace has {MOST_ENDPOINTS} webhook endpoints, and no more are allowed");
            return Err(Error::new(Kind::Conflict, message));
        }
        Ok(Registered { endpoint, secret })
    }

    /// Reads an endpoint.
    ///
    /// # Errors
    /// [`Kind::InsufficientScope`]; [`Kind::NotFound`], also for another workspace's; those of the store.
    pub async fn get(&self, who: &Principal, id: WebhookId) -> Result<Endpoint> {
        who.require(Scope::WebhooksRead)?;
        let endpoint = self.store.endpoint(who.workspace, id).await?;
        endpoint.ok_or_else(|| Error::not_found("webhook endpoint"))
    }

    /// The endpoints of the workspace, oldest first; at most [`MOST_ENDPOINTS`].
    ///
    /// # Errors
    /// [`Kind::InsufficientScope`]; those of the store.
    pub async fn list(&self, who: &Principal) -> Result<Vec<Endpoint>> {
        who.require(Scope::WebhooksRead)?;
        self.store.endpoints(who.workspace).await
    }

    /// Deletes an endpoint.
    ///
    /// # Errors
    /// As [`get`](Self::get), with the scope to write.
    pub async fn delete(&self, who: &Principal, id: WebhookId) -> Result<()> {
        who.require(Scope::WebhooksWrite)?;
        match self.store.delete_endpoint(who.workspace, id).await? {
            true => Ok(()),
            false => Err(Error::not_found("webhook endpoint")),
        }
    }
}

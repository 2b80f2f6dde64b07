//! What owners do with their endpoints: register, look, change, delete.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{
    DeliveryLog, DeliveryQueue, Endpoint, EndpointDraft, EndpointEdit, Messages, SealedSecret, Target, WebhookSecret,
    WebhookStore, WebhookTransport,
};
use crate::clock::Clock;
use crate::credentials::{Principal, Scope};
use crate::entropy::Entropy;
use crate::error::{Error, Issue, Kind, Result};
use crate::events::EventBus;
use crate::fields::Field;
use crate::ids::{WebhookId, WorkspaceId};
use crate::ports::Ports;

/// The most endpoints of a workspace. Each is asked about every event, so there is a bound; no partner has as many.
pub const MOST_ENDPOINTS: u32 = 100;
/// How often a change is tried against others' changes. Of those that race one wins each time, so this is how many may
/// change one endpoint at once before somebody is asked to come back.
const RACES: usize = 64;

/// Webhook endpoints, as their owners use them: the endpoints themselves, calls to try them, and what became of
/// deliveries.
#[derive(Debug)]
pub struct Webhooks {
    pub(super) store: Arc<dyn WebhookStore>,
    pub(super) queue: Arc<dyn DeliveryQueue>,
    pub(super) log: Arc<dyn DeliveryLog>,
    pub(super) bus: Arc<dyn EventBus>,
    pub(super) messages: Arc<Messages>,
    pub(super) transport: Option<Arc<dyn WebhookTransport>>,
    pub(super) keep: Duration,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
}

/// An endpoint with a secret that was just made for it.
#[derive(Debug)]
pub struct Registered {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The secret's text, which is never to be seen again.
    pub secret: WebhookSecret,
}

impl Webhooks {
    /// Over the stores in `ports`. What is sent is written by `messages`, and goes out by `transport`; without one, no
    /// endpoint can be tried. Deliveries are kept for `keep`.
    pub fn new(
        ports: &Ports,
        messages: Arc<Messages>,
        transport: Option<Arc<dyn WebhookTransport>>,
        keep: Duration,
    ) -> Self {
        Self {
            store: ports.webhooks.clone(),
            queue: ports.deliveries.clone(),
            log: ports.delivery_log.clone(),
            bus: ports.bus.clone(),
            messages,
            transport,
            keep,
            clock: ports.clock.clone(),
            entropy: ports.entropy.clone(),
        }
    }

    /// Registers an endpoint.
    ///
    /// # Errors
    /// [`Kind::InsufficientScope`]; [`Kind::Invalid`] where the transport refuses the address; [`Kind::Conflict`] where the
    /// workspace has [`MOST_ENDPOINTS`]; those of the store.
    pub async fn register(&self, who: &Principal, draft: EndpointDraft) -> Result<Registered> {
        who.require(Scope::WebhooksWrite)?;
        self.check(&draft.target)?;
        let now = self.clock.now();
        let id = WebhookId::fresh(now, &*self.entropy);
        let (secret, sealed) = self.draw_secret(id, now)?;
        let mut endpoint = Endpoint::new(id, who.workspace, draft.target, draft.events, sealed, now);
        endpoint.payload_version = draft.payload_version;
        draft.edit.apply(&mut endpoint)?;
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
        self.fetch(who.workspace, id).await
    }

    /// The endpoints of the workspace, oldest first; at most [`MOST_ENDPOINTS`].
    ///
    /// # Errors
    /// [`Kind::InsufficientScope`]; those of the store.
    pub async fn list(&self, who: &Principal) -> Result<Vec<Endpoint>> {
        who.require(Scope::WebhooksRead)?;
        self.store.endpoints(who.workspace).await
    }

    /// Changes an endpoint. `read` reads the body only once the endpoint and its version are known to be right, so a stale
    /// version is told before a faulty field (RFC 9110 §13.2.1).
    ///
    /// # Errors
    /// [`Kind::InsufficientScope`]; [`Kind::NotFound`]; [`Kind::VersionMismatch`] if `expected` is not what is there; those
    /// of `read`; [`Kind::Invalid`] where the transport refuses the address; [`Kind::Unavailable`] where too many change it at once; those of the store.
    pub async fn update(
        &self,
        who: &Principal,
        id: WebhookId,
        expected: impl Fn(&Endpoint) -> bool + Send + Sync,
        read: impl FnOnce() -> Result<EndpointEdit> + Send,
    ) -> Result<Endpoint> {
        who.require(Scope::WebhooksWrite)?;
        let (mut read, mut edit) = (Some(read), None);
        let change = |endpoint: &mut Endpoint, now| {
            if !expected(endpoint) {
                let message = "The webhook endpoint is not at a version that If-Match or If-None-Match allows";
                return Err(Error::new(Kind::VersionMismatch, message));
            }
            if let Some(read) = read.take() {
                let read = read()?;
                if let Field::Value(target) = &read.target {
                    self.check(target)?;
                }
                edit = Some(read);
            }
            endpoint.updated_at = now;
            edit.clone().unwrap_or_default().apply(endpoint)
        };
        self.change(who.workspace, id, change).await.map(|(endpoint, ())| endpoint)
    }

    /// Deletes an endpoint, and what is owed to it.
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

    /// Refuses an address that no call would ever be made to: its owner learns it now, and not from dead letters.
    fn check(&self, target: &Target) -> Result<()> {
        match self.transport.as_ref().and_then(|transport| transport.refuses(target)) {
            Some(words) => Err(Error::invalid(vec![Issue::new("url", words)])),
            None => Ok(()),
        }
    }

    pub(super) async fn fetch(&self, workspace: WorkspaceId, id: WebhookId) -> Result<Endpoint> {
        let endpoint = self.store.endpoint(workspace, id).await?;
        endpoint.ok_or_else(|| Error::not_found("webhook endpoint"))
    }

    /// Applies `change` to the endpoint as it is, and once more to what others left where they came first.
    pub(super) async fn change<T: Send>(
        &self,
        workspace: WorkspaceId,
        id: WebhookId,
        mut change: impl FnMut(&mut Endpoint, Timestamp) -> Result<T> + Send,
    ) -> Result<(Endpoint, T)> {
        for _ in 0..RACES {
            let mut endpoint = self.fetch(workspace, id).await?;
            let outcome = change(&mut endpoint, self.clock.now())?;
            endpoint.version += 1;
            if self.store.update_endpoint(&endpoint, &[]).await? {
                return Ok((endpoint, outcome));
            }
        }
        Err(Error::new(Kind::Unavailable, "The webhook endpoint is being changed by many at once")
            .with_retry_after(Duration::from_secs(1)))
    }

    /// A new secret of the endpoint, and as it is kept.
    pub(super) fn draw_secret(&self, id: WebhookId, now: Timestamp) -> Result<(WebhookSecret, SealedSecret)> {
        let secret = WebhookSecret::generate(&*self.entropy);
        let sealed = self.messages.seal(id, &secret, now)?;
        Ok((secret, sealed))
    }
}

//! What each technology brings, whichever it is.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use waypost_adapters::memory::MemoryRateLimiter;
use waypost_core::clicks::{ClickSpool, ClickStore, Describe};
use waypost_core::clients::ClientStore;
use waypost_core::clock::SystemClock;
use waypost_core::credentials::CredentialStore;
use waypost_core::entropy::OsEntropy;
use waypost_core::events::EventBus;
use waypost_core::grants::GrantStore;
use waypost_core::health::Probe;
use waypost_core::idempotency::IdempotencyStore;
use waypost_core::limits::RateLimiter;
use waypost_core::links::{Invalidations, LinkStore};
use waypost_core::members::MemberStore;
use waypost_core::outbox::Outbox;
use waypost_core::push::presence::PresenceStore;
use waypost_core::webhooks::{DeliveryLog, DeliveryQueue, WebhookStore};
use waypost_core::{Ports, Result};

/// Ends what was opened, once it is awaited.
pub(super) type Closing = BoxFuture<'static, Result<()>>;

/// A store: what shares its transactions, and what it can carry besides.
pub(super) struct Base {
    pub(super) links: Arc<dyn LinkStore>,
    pub(super) clicks: Arc<dyn ClickStore>,
    pub(super) idempotency: Arc<dyn IdempotencyStore>,
    pub(super) outbox: Arc<dyn Outbox>,
    pub(super) credentials: Arc<dyn CredentialStore>,
    pub(super) clients: Arc<dyn ClientStore>,
    pub(super) members: Arc<dyn MemberStore>,
    pub(super) grants: Arc<dyn GrantStore>,
    pub(super) webhooks: Arc<dyn WebhookStore>,
    pub(super) deliveries: Arc<dyn DeliveryQueue>,
    pub(super) delivery_log: Arc<dyn DeliveryLog>,
    pub(super) bus: Arc<dyn EventBus>,
    pub(super) limiter: Arc<dyn RateLimiter>,
    pub(super) invalidations: Arc<dyn Invalidations>,
    pub(super) presence: Arc<dyn PresenceStore>,
    pub(super) probe: Arc<dyn Probe>,
    pub(super) closing: Closing,
}

/// What a Redis brings beside a store. What is chosen to be elsewhere stays unused.
pub(super) struct Redis {
    pub(super) bus: Arc<dyn EventBus>,
    pub(super) limiter: Arc<dyn RateLimiter>,
    pub(super) invalidations: Arc<dyn Invalidations>,
    pub(super) presence: Arc<dyn PresenceStore>,
    pub(super) probe: Arc<dyn Probe>,
}

/// What a NATS brings beside a store.
pub(super) struct Nats {
    pub(super) bus: Arc<dyn EventBus>,
    pub(super) probe: Arc<dyn Probe>,
    pub(super) closing: Closing,
}

impl Base {
    /// The ports of a node that has nothing beside this store, and counts requests for itself.
    pub(super) fn into_ports(self, spool: Arc<dyn ClickSpool>, describe: Arc<dyn Describe>) -> (Ports, Closing) {
        let local = Arc::new(MemoryRateLimiter::default());
        let ports = Ports {
            links: self.links,
            clicks: self.clicks,
            idempotency: self.idempotency,
            outbox: self.outbox,
            bus: self.bus,
            limiter: local.clone(),
            local_limiter: local,
            credentials: self.credentials,
            clients: self.clients,
            members: self.members,
            grants: self.grants,
            webhooks: self.webhooks,
            deliveries: self.deliveries,
            delivery_log: self.delivery_log,
            invalidations: self.invalidations,
            presence: self.presence,
            spool,
            describe,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            probes: vec![self.probe],
        };
        (ports, self.closing)
    }
}

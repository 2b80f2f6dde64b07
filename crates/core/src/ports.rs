//! The parts that a platform is put together from.

use std::sync::Arc;
use std::time::Duration;

use crate::clicks::{ClickSpool, ClickStore, Describe};
use crate::clients::ClientStore;
use crate::clock::Clock;
use crate::credentials::CredentialStore;
use crate::entropy::Entropy;
use crate::events::EventBus;
use crate::grants::GrantStore;
use crate::health::Probe;
use crate::idempotency::IdempotencyStore;
use crate::layers::{Budget, Cached, Layered, Retry, RetryOptions, Timeout, Traced};
use crate::limits::RateLimiter;
use crate::links::{Invalidations, LinkStore};
use crate::members::MemberStore;
use crate::outbox::Outbox;
use crate::push::presence::PresenceStore;
use crate::webhooks::{DeliveryLog, DeliveryQueue, WebhookStore};

/// One adapter for each port. Forgetting one does not compile.
///
/// `links`, `clicks`, `idempotency` and `outbox` share transactions, so they come from one store, and so do `webhooks`,
/// `deliveries` and `delivery_log` with `outbox`.
#[derive(Clone, Debug)]
pub struct Ports {
    /// Keeps links.
    pub links: Arc<dyn LinkStore>,
    /// Counts clicks.
    pub clicks: Arc<dyn ClickStore>,
    /// Keeps claims and answers.
    pub idempotency: Arc<dyn IdempotencyStore>,
    /// Holds events until they are on the bus.
    pub outbox: Arc<dyn Outbox>,
    /// The log of events.
    pub bus: Arc<dyn EventBus>,
    /// Counts what is allowed.
    pub limiter: Arc<dyn RateLimiter>,
    /// Counts for this node alone, while `limiter` is away. With one node, both are the same.
    pub local_limiter: Arc<dyn RateLimiter>,
    /// Keeps keys and secrets.
    pub credentials: Arc<dyn CredentialStore>,
    /// Keeps OAuth clients.
    pub clients: Arc<dyn ClientStore>,
    /// Keeps users and their roles.
    pub members: Arc<dyn MemberStore>,
    /// Keeps sessions, refresh tokens, and what was revoked.
    pub grants: Arc<dyn GrantStore>,
    /// Keeps webhook endpoints.
    pub webhooks: Arc<dyn WebhookStore>,
    /// Keeps what is owed to them.
    pub deliveries: Arc<dyn DeliveryQueue>,
    /// Tells what became of it.
    pub delivery_log: Arc<dyn DeliveryLog>,
    /// Carries word of changed links to the other nodes. With one node, one in memory.
    pub invalidations: Arc<dyn Invalidations>,
    /// Keeps who is watching a subject. With one node, one in memory.
    pub presence: Arc<dyn PresenceStore>,
    /// Holds hits until they are counted.
    pub spool: Arc<dyn ClickSpool>,
    /// Says who is behind a hit.
    pub describe: Arc<dyn Describe>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where randomness comes from.
    pub entropy: Arc<dyn Entropy>,
    /// What must be there to serve.
    pub probes: Vec<Arc<dyn Probe>>,
}

/// How long a rate limiter may take: half a second, since every request waits for it, and a policy says what holds
/// without it.
const LIMITER_TIMEOUT: Duration = Duration::from_millis(500);

impl Ports {
    /// The same parts in their layers. Every call is timed and bounded; what may be repeated is repeated where a request
    /// would fail otherwise, and not where an engine has its next round.
    pub(crate) fn in_layers(self, options: RetryOptions) -> Self {
        let (clock, entropy) = (self.clock.clone(), self.entropy.clone());
        let traced = Traced::new(clock.clone());
        let timeout = Timeout::new(clock.clone(), Timeout::LIMIT);
        let retry = Retry::new(clock.clone(), entropy, Arc::new(Budget::default()), options);
        let once = (traced.clone(), timeout.clone());
        let repeated = (traced.clone(), (retry, timeout));
        let credentials = Arc::new(Layered::new(self.credentials, repeated.clone()));
        let clients = Arc::new(Layered::new(self.clients, repeated.clone()));
        let members = Arc::new(Layered::new(self.members, repeated.clone()));
        let grants = Arc::new(Layered::new(self.grants, repeated.clone()));
        Self {
            // Requests read from it; its writes are repeated by nobody but the client, under its key.
            links: Arc::new(Layered::new(self.links, repeated.clone())),
            // Requests read statistics from it; the drain has its rounds, and loses nothing by a repetition.
            clicks: Arc::new(Layered::new(self.clicks, repeated.clone())),
            // A claim is for once.
            idempotency: Arc::new(Layered::new(self.idempotency, once.clone())),
            // The relay has its rounds.
            outbox: Arc::new(Layered::new(self.outbox, once.clone())),
            // Requests read from it; what is published twice is there once.
            bus: Arc::new(Layered::new(self.bus, repeated.clone())),
            // Counting is for once, and a policy says what holds without it.
            limiter: Arc::new(Layered::new(self.limiter, (traced, Timeout::new(clock.clone(), LIMITER_TIMEOUT)))),
            // Every request asks for a key, or for a client, a grant, a session and a role: each once a second, that of
            // the store. Sign-ins, turns and changes are repeated by nobody but the person or the client.
            credentials: Arc::new(Cached::<dyn CredentialStore>::new(credentials, clock.clone())),
            clients: Arc::new(Cached::<dyn ClientStore>::new(clients, clock.clone())),
            members: Arc::new(Cached::<dyn MemberStore>::new(members, clock.clone())),
            grants: Arc::new(Cached::<dyn GrantStore>::new(grants, clock)),
            // Requests read and write it; to register is safe to repeat, since an id is one endpoint.
            webhooks: Arc::new(Layered::new(self.webhooks, repeated.clone())),
            // The dispatcher has its rounds.
            deliveries: Arc::new(Layered::new(self.deliveries, once.clone())),
            // Requests read from it.
            delivery_log: Arc::new(Layered::new(self.delivery_log, repeated)),
            // The announcer has its rounds.
            invalidations: Arc::new(Layered::new(self.invalidations, once.clone())),
            // Its engine has its rounds.
            presence: Arc::new(Layered::new(self.presence, once)),
            // What is left is in this process, and does not fail by being away.
            ..self
        }
    }
}

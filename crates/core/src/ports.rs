//! The parts that a platform is put together from.

use std::sync::Arc;

use crate::clicks::{ClickSpool, ClickStore, Describe};
use crate::clock::Clock;
use crate::credentials::CredentialStore;
use crate::entropy::Entropy;
use crate::events::EventBus;
use crate::health::Probe;
use crate::idempotency::IdempotencyStore;
use crate::limits::RateLimiter;
use crate::links::LinkStore;
use crate::outbox::Outbox;

/// One adapter for each port. Forgetting one does not compile.
///
/// `links`, `clicks`, `idempotency` and `outbox` share transactions, so they come from one store.
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

//! What the unit tests of this crate share.

use std::sync::Arc;

use waypost_adapters::memory::{
    MemoryClickSpool, MemoryEventBus, MemoryInvalidations, MemoryPresenceStore, MemoryRateLimiter, MemoryStore,
};
use waypost_core::Ports;
use waypost_core::clicks::{Describe, Hit, Visitor};
use waypost_core::clock::{Clock, SystemClock};
use waypost_core::entropy::OsEntropy;

#[derive(Debug)]
struct Anyone;

impl Describe for Anyone {
    fn describe(&self, _: &Hit) -> Visitor {
        Visitor::default()
    }
}

/// Ports in memory.
pub(crate) fn ports() -> Ports {
    let store = Arc::new(MemoryStore::default());
    let limiter = Arc::new(MemoryRateLimiter::default());
    Ports {
        links: store.clone(),
        clicks: store.clone(),
        idempotency: store.clone(),
        outbox: store.clone(),
        bus: Arc::new(MemoryEventBus::new(&OsEntropy)),
        limiter: limiter.clone(),
        local_limiter: limiter,
        credentials: store.clone(),
        clients: store.clone(),
        members: store.clone(),
        grants: store.clone(),
        webhooks: store.clone(),
        deliveries: store.clone(),
        delivery_log: store,
        invalidations: Arc::new(MemoryInvalidations::default()),
        presence: Arc::new(MemoryPresenceStore::default()),
        spool: Arc::new(MemoryClickSpool::new(1 << 20, SystemClock.now(), &OsEntropy)),
        describe: Arc::new(Anyone),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
        probes: Vec::new(),
    }
}

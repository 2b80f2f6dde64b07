//! A store in this process's memory.

use std::sync::Arc;

use waypost_adapters::memory::{
    MemoryEventBus, MemoryInvalidations, MemoryPresenceStore, MemoryRateLimiter, MemoryStore,
};
use waypost_core::entropy::OsEntropy;

use super::parts::Base;

/// An empty store.
pub(super) fn open() -> Base {
    let store = Arc::new(MemoryStore::default());
    Base {
        links: store.clone(),
        clicks: store.clone(),
        idempotency: store.clone(),
        outbox: store.clone(),
        credentials: store.clone(),
        clients: store.clone(),
        members: store.clone(),
        grants: store.clone(),
        webhooks: store.clone(),
        deliveries: store.clone(),
        delivery_log: store.clone(),
        bus: Arc::new(MemoryEventBus::new(&OsEntropy)),
        limiter: Arc::new(MemoryRateLimiter::default()),
        invalidations: Arc::new(MemoryInvalidations::default()),
        presence: Arc::new(MemoryPresenceStore::default()),
        probe: store,
        closing: Box::pin(async { Ok(()) }),
    }
}

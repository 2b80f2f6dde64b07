//! The adapters in memory.

use std::sync::Arc;

use waypost_adapters::memory::MemoryStore;
use waypost_core::conformance::{self, Stores};
use waypost_core::idempotency::IdempotencyStore;
use waypost_core::outbox::Outbox;

async fn stores() -> Stores {
    let store = Arc::new(MemoryStore::default());
    Stores { links: store.clone(), clicks: store.clone(), idempotency: store.clone(), outbox: store }
}

async fn idempotency_store() -> Arc<dyn IdempotencyStore> {
    Arc::new(MemoryStore::default())
}

async fn outbox_store() -> Arc<dyn Outbox> {
    Arc::new(MemoryStore::default())
}

conformance::links!(stores);
conformance::idempotency!(idempotency_store);
conformance::outbox!(outbox_store);

//! The adapters in memory.

use std::sync::Arc;

use waypost_adapters::memory::{
    MemoryClickSpool, MemoryEventBus, MemoryInvalidations, MemoryPresenceStore, MemoryRateLimiter, MemoryStore,
};
use waypost_core::clicks::ClickSpool;
use waypost_core::clients::ClientStore;
use waypost_core::conformance::{self, Deliveries, Stores, fixtures};
use waypost_core::credentials::CredentialStore;
use waypost_core::entropy::OsEntropy;
use waypost_core::events::EventBus;
use waypost_core::grants::GrantStore;
use waypost_core::health::Probe;
use waypost_core::idempotency::IdempotencyStore;
use waypost_core::limits::RateLimiter;
use waypost_core::links::Invalidations;
use waypost_core::members::MemberStore;
use waypost_core::outbox::Outbox;
use waypost_core::push::presence::PresenceStore;
use waypost_core::webhooks::WebhookStore;

async fn stores() -> Stores {
    let store = Arc::new(MemoryStore::default());
    Stores { links: store.clone(), clicks: store.clone(), idempotency: store.clone(), outbox: store }
}

async fn idempotency_store() -> Arc<dyn IdempotencyStore> {
    stores().await.idempotency
}

async fn outbox_store() -> Arc<dyn Outbox> {
    stores().await.outbox
}

async fn credential_store() -> Arc<dyn CredentialStore> {
    Arc::new(MemoryStore::default())
}

async fn client_store() -> Arc<dyn ClientStore> {
    Arc::new(MemoryStore::default())
}

async fn member_store() -> Arc<dyn MemberStore> {
    Arc::new(MemoryStore::default())
}

async fn grant_store() -> Arc<dyn GrantStore> {
    Arc::new(MemoryStore::default())
}

async fn webhook_store() -> Arc<dyn WebhookStore> {
    Arc::new(MemoryStore::default())
}

async fn delivery_stores() -> Deliveries {
    let store = Arc::new(MemoryStore::default());
    Deliveries { endpoints: store.clone(), queue: store.clone(), log: store.clone(), outbox: store }
}

async fn event_bus() -> Arc<dyn EventBus> {
    Arc::new(MemoryEventBus::new(&OsEntropy))
}

async fn rate_limiter() -> Arc<dyn RateLimiter> {
    Arc::new(MemoryRateLimiter::default())
}

async fn carrier() -> Arc<dyn Invalidations> {
    Arc::new(MemoryInvalidations::default())
}

async fn presence_store() -> Arc<dyn PresenceStore> {
    Arc::new(MemoryPresenceStore::default())
}

async fn click_spool() -> Arc<dyn ClickSpool> {
    Arc::new(MemoryClickSpool::new(1_024 * 1_024, fixtures::at(0), &OsEntropy))
}

conformance::links!(stores);
conformance::clicks!(stores);
conformance::idempotency!(idempotency_store);
conformance::outbox!(outbox_store);
conformance::credentials!(credential_store);
conformance::clients!(client_store);
conformance::members!(member_store);
conformance::grants!(grant_store);
conformance::webhooks!(webhook_store);
conformance::deliveries!(delivery_stores);
conformance::events!(event_bus);
conformance::limits!(rate_limiter);
conformance::invalidations!(carrier);
conformance::presence!(presence_store);
conformance::spool!(click_spool);

#[tokio::test]
async fn what_is_in_memory_is_there() {
    let probes: [&dyn Probe; 2] = [&MemoryStore::default(), &MemoryEventBus::new(&OsEntropy)];
    for probe in probes {
        assert_eq!(probe.name(), "memory");
        assert!(probe.check().await.is_ok());
    }
}

#[tokio::test]
async fn forget_keeps_to_its_limit() {
    crate::row_by_row::forget_keeps_to_its_limit(&stores().await).await;
}

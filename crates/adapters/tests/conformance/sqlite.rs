//! The adapters on one SQLite file.

use std::sync::Arc;

use waypost_adapters::sqlite::{
    Sqlite, SqliteClickStore, SqliteClientStore, SqliteCredentialStore, SqliteEventBus, SqliteGrantStore,
    SqliteIdempotencyStore, SqliteLinkStore, SqliteMemberStore, SqliteOutbox, SqliteProbe, SqliteRateLimiter,
    SqliteWebhookStore,
};
use waypost_core::Kind;
use waypost_core::clients::ClientStore;
use waypost_core::conformance::{self, Deliveries, Stores, Subject};
use waypost_core::credentials::CredentialStore;
use waypost_core::events::EventBus;
use waypost_core::grants::GrantStore;
use waypost_core::health::Probe as _;
use waypost_core::idempotency::IdempotencyStore;
use waypost_core::limits::RateLimiter;
use waypost_core::members::MemberStore;
use waypost_core::outbox::Outbox;
use waypost_core::webhooks::WebhookStore;

/// A fresh database in a folder that is removed after the case.
async fn database() -> Subject<Sqlite> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let db = Sqlite::open(folder.path().join("waypost.db")).await.expect("a database");
    Subject::guarded(db, folder)
}

async fn stores() -> Subject<Stores> {
    database().await.map(|db| Stores {
        links: Arc::new(SqliteLinkStore::new(&db)),
        clicks: Arc::new(SqliteClickStore::new(&db)),
        idempotency: Arc::new(SqliteIdempotencyStore::new(&db)),
        outbox: Arc::new(SqliteOutbox::new(&db)),
    })
}

async fn idempotency_store() -> Subject<Arc<dyn IdempotencyStore>> {
    stores().await.map(|stores| stores.idempotency)
}

async fn outbox_store() -> Subject<Arc<dyn Outbox>> {
    stores().await.map(|stores| stores.outbox)
}

async fn credential_store() -> Subject<Arc<dyn CredentialStore>> {
    database().await.map(|db| Arc::new(SqliteCredentialStore::new(&db)) as _)
}

async fn client_store() -> Subject<Arc<dyn ClientStore>> {
    database().await.map(|db| Arc::new(SqliteClientStore::new(&db)) as _)
}

async fn member_store() -> Subject<Arc<dyn MemberStore>> {
    database().await.map(|db| Arc::new(SqliteMemberStore::new(&db)) as _)
}

async fn grant_store() -> Subject<Arc<dyn GrantStore>> {
    database().await.map(|db| Arc::new(SqliteGrantStore::new(&db)) as _)
}

async fn webhook_store() -> Subject<Arc<dyn WebhookStore>> {
    database().await.map(|db| Arc::new(SqliteWebhookStore::new(&db)) as _)
}

async fn delivery_stores() -> Subject<Deliveries> {
    database().await.map(|db| {
        let store = Arc::new(SqliteWebhookStore::new(&db));
        let outbox = Arc::new(SqliteOutbox::new(&db));
        Deliveries { endpoints: store.clone(), queue: store.clone(), log: store, outbox }
    })
}

async fn event_bus() -> Subject<Arc<dyn EventBus>> {
    database().await.map(|db| Arc::new(SqliteEventBus::new(&db)) as _)
}

async fn rate_limiter() -> Subject<Arc<dyn RateLimiter>> {
    database().await.map(|db| Arc::new(SqliteRateLimiter::new(&db)) as _)
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

#[tokio::test]
async fn the_probe_tells_an_open_database_from_a_closed_one() {
    let database = database().await;
    let probe = SqliteProbe::new(&database.ports);
    assert_eq!(probe.name(), "sqlite");
    assert!(probe.check().await.is_ok());
    database.ports.close().await.expect("closed");
    assert_eq!(probe.check().await.expect_err("it is closed").kind(), Kind::Unavailable);
}

#[tokio::test]
async fn forget_keeps_to_its_limit() {
    let stores = stores().await;
    crate::row_by_row::forget_keeps_to_its_limit(&stores.ports).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_bring_a_ticket_one_is_let_in() {
    let store = idempotency_store().await;
    crate::engines::tickets::of_fifty_who_bring_a_ticket_one_is_let_in(store.ports.clone()).await;
}

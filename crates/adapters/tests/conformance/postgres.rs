//! The adapters in one PostgreSQL database.

#[path = "../../src/postgres/tests/schema.rs"]
mod schema;

use std::sync::Arc;

use schema::Schema;
use waypost_adapters::postgres::{
    Postgres, PostgresClickStore, PostgresClientStore, PostgresCredentialStore, PostgresEventBus, PostgresGrantStore,
    PostgresIdempotencyStore, PostgresInvalidations, PostgresLinkStore, PostgresMemberStore, PostgresOptions,
    PostgresOutbox, PostgresPresenceStore, PostgresProbe, PostgresRateLimiter, PostgresWebhookStore,
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
use waypost_core::links::Invalidations;
use waypost_core::members::MemberStore;
use waypost_core::outbox::Outbox;
use waypost_core::push::presence::PresenceStore;
use waypost_core::webhooks::WebhookStore;

/// A fresh database in a schema that is dropped after the case.
async fn database() -> Subject<Postgres> {
    let schema = Schema::fresh();
    let options = PostgresOptions { schema: Some(schema.name.clone()), ..PostgresOptions::new(&schema.url) };
    let db = Postgres::open(options).await.expect("a database");
    Subject::guarded(db, schema)
}

async fn stores() -> Subject<Stores> {
    database().await.map(|db| Stores {
        links: Arc::new(PostgresLinkStore::new(&db)),
        clicks: Arc::new(PostgresClickStore::new(&db)),
        idempotency: Arc::new(PostgresIdempotencyStore::new(&db)),
        outbox: Arc::new(PostgresOutbox::new(&db)),
    })
}

async fn idempotency_store() -> Subject<Arc<dyn IdempotencyStore>> {
    stores().await.map(|stores| stores.idempotency)
}

async fn credential_store() -> Subject<Arc<dyn CredentialStore>> {
    database().await.map(|db| Arc::new(PostgresCredentialStore::new(&db)) as _)
}

async fn rate_limiter() -> Subject<Arc<dyn RateLimiter>> {
    database().await.map(|db| Arc::new(PostgresRateLimiter::new(&db)) as _)
}

async fn outbox_store() -> Subject<Arc<dyn Outbox>> {
    stores().await.map(|stores| stores.outbox)
}

async fn client_store() -> Subject<Arc<dyn ClientStore>> {
    database().await.map(|db| Arc::new(PostgresClientStore::new(&db)) as _)
}

async fn member_store() -> Subject<Arc<dyn MemberStore>> {
    database().await.map(|db| Arc::new(PostgresMemberStore::new(&db)) as _)
}

async fn grant_store() -> Subject<Arc<dyn GrantStore>> {
    database().await.map(|db| Arc::new(PostgresGrantStore::new(&db)) as _)
}

async fn webhook_store() -> Subject<Arc<dyn WebhookStore>> {
    database().await.map(|db| Arc::new(PostgresWebhookStore::new(&db)) as _)
}

async fn delivery_stores() -> Subject<Deliveries> {
    database().await.map(|db| {
        let webhooks = Arc::new(PostgresWebhookStore::new(&db));
        let outbox = Arc::new(PostgresOutbox::new(&db));
        Deliveries { endpoints: webhooks.clone(), queue: webhooks.clone(), log: webhooks, outbox }
    })
}

async fn event_bus() -> Subject<Arc<dyn EventBus>> {
    database().await.map(|db| Arc::new(PostgresEventBus::new(&db)) as _)
}

async fn carrier() -> Subject<Arc<dyn Invalidations>> {
    database().await.map(|db| Arc::new(PostgresInvalidations::new(&db)) as _)
}

async fn presence_store() -> Subject<Arc<dyn PresenceStore>> {
    database().await.map(|db| Arc::new(PostgresPresenceStore::new(&db)) as _)
}

conformance::links!(stores);
conformance::clicks!(stores);
conformance::idempotency!(idempotency_store);
conformance::credentials!(credential_store);
conformance::clients!(client_store);
conformance::members!(member_store);
conformance::grants!(grant_store);
conformance::webhooks!(webhook_store);
conformance::deliveries!(delivery_stores);
conformance::limits!(rate_limiter);
conformance::outbox!(outbox_store);
conformance::events!(event_bus);
conformance::invalidations!(carrier);
conformance::presence!(presence_store);

#[tokio::test]
async fn the_probe_tells_an_open_database_from_a_closed_one() {
    let database = database().await;
    let probe = PostgresProbe::new(&database.ports);
    assert_eq!(probe.name(), "postgres");
    assert!(probe.check().await.is_ok());
    database.ports.close().await;
    assert_eq!(probe.check().await.expect_err("it is closed").kind(), Kind::Unavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_bring_a_ticket_one_is_let_in() {
    let store = idempotency_store().await;
    crate::engines::tickets::of_fifty_who_bring_a_ticket_one_is_let_in(store.ports.clone()).await;
}

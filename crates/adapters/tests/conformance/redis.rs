//! The adapters on one Redis.

#[path = "../../src/redis/tests/space.rs"]
mod space;

use std::sync::Arc;

use space::Space;
use waypost_adapters::redis::{
    Redis, RedisEventBus, RedisIdempotencyStore, RedisInvalidations, RedisOptions, RedisPresenceStore, RedisProbe,
    RedisRateLimiter,
};
use waypost_core::clock::SystemClock;
use waypost_core::conformance::{self, Subject};
use waypost_core::events::EventBus;
use waypost_core::health::Probe as _;
use waypost_core::idempotency::IdempotencyStore;
use waypost_core::limits::RateLimiter;
use waypost_core::links::Invalidations;
use waypost_core::push::presence::PresenceStore;

/// A handle with keys of its own, which are removed after the case.
async fn handle() -> Subject<Redis> {
    let space = Space::fresh();
    let options = RedisOptions { prefix: space.prefix.clone(), ..RedisOptions::new(&space.url) };
    let redis = Redis::open(options).await.expect("the shared server");
    Subject::guarded(redis, space)
}

async fn idempotency_store() -> Subject<Arc<dyn IdempotencyStore>> {
    handle().await.map(|redis| Arc::new(RedisIdempotencyStore::new(&redis)) as _)
}

async fn event_bus() -> Subject<Arc<dyn EventBus>> {
    handle().await.map(|redis| Arc::new(RedisEventBus::new(&redis)) as _)
}

async fn rate_limiter() -> Subject<Arc<dyn RateLimiter>> {
    handle().await.map(|redis| Arc::new(RedisRateLimiter::new(&redis, Arc::new(SystemClock))) as _)
}

async fn invalidations() -> Subject<Arc<dyn Invalidations>> {
    handle().await.map(|redis| Arc::new(RedisInvalidations::new(&redis)) as _)
}

async fn presence_store() -> Subject<Arc<dyn PresenceStore>> {
    handle().await.map(|redis| Arc::new(RedisPresenceStore::new(&redis)) as _)
}

conformance::idempotency!(idempotency_store);
conformance::events!(event_bus);
conformance::limits!(rate_limiter);
conformance::invalidations!(invalidations);
conformance::presence!(presence_store);

#[tokio::test]
async fn the_probe_finds_the_server() {
    let redis = handle().await;
    let probe = RedisProbe::new(&redis.ports);
    assert_eq!(probe.name(), "redis");
    assert!(probe.check().await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_bring_a_ticket_one_is_let_in() {
    let store = idempotency_store().await;
    crate::engines::tickets::of_fifty_who_bring_a_ticket_one_is_let_in(store.ports.clone()).await;
}

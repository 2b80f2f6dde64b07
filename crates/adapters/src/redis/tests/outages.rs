//! The server goes away, and comes back.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use waypost_core::Kind;
use waypost_core::clock::SystemClock;
use waypost_core::conformance::fixtures::{at, claim, key, slug};
use waypost_core::events::EventBus;
use waypost_core::health::Probe as _;
use waypost_core::idempotency::{Claim, IdempotencyStore};
use waypost_core::limits::{Algorithm, Policy, RateLimiter};
use waypost_core::links::{Domain, Heard, Invalidations, LinkName, Listener};

use super::server::{Persistence, Server, eventually};
use super::some;
use crate::redis::{RedisEventBus, RedisIdempotencyStore, RedisInvalidations, RedisProbe, RedisRateLimiter};

fn name() -> LinkName {
    LinkName { domain: Domain::main(), slug: slug("spring") }
}

async fn heard(listener: &mut Box<dyn Listener>) -> Heard {
    timeout(Duration::from_secs(10), listener.next()).await.expect("a word within ten seconds")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_outage_waiters_and_listeners_are_served_again() {
    let mut server = Server::start(Persistence::None).await;
    let redis = server.open().await;
    let (bus, links) = (Arc::new(RedisEventBus::new(&redis)), RedisInvalidations::new(&redis));
    let mut listener = links.listen().await.expect("a listener");
    let end = bus.publish(&some(1, 1)).await.expect("published")[0];
    let mut early = std::pin::pin!(bus.wait(end));
    assert!(timeout(Duration::from_millis(500), early.as_mut()).await.is_err(), "there is nothing yet");
    server.kill();
    let outage = timeout(Duration::from_secs(3), listener.next()).await;
    assert!(outage.is_err(), "it is not connected again: {outage:?}");
    server.start_again().await;
    assert_eq!(heard(&mut listener).await, Heard::Everything);
    let returned = timeout(Duration::from_secs(10), early).await.expect("a waiter returns when it is connected again");
    returned.expect("a wait");

    links.announce(&[name()]).await.expect("announced");
    assert_eq!(heard(&mut listener).await, Heard::Names(vec![name()]));
    let end = bus.publish(&some(2, 1)).await.expect("published")[0];
    let waiter = Arc::clone(&bus);
    let mut waiting = tokio::spawn(async move { waiter.wait(end).await });
    let mut n = 3;
    eventually(async || {
        bus.publish(&some(n, 1)).await.expect("published");
        n += 1;
        timeout(Duration::from_millis(200), &mut waiting).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn the_first_call_after_an_outage_succeeds() {
    let mut server = Server::start(Persistence::None).await;
    let redis = server.open().await;
    let probe = RedisProbe::new(&redis);
    let limiter = RedisRateLimiter::new(&redis, Arc::new(SystemClock));
    let policy = Policy::new("outage", Algorithm::SlidingWindow, 10, Duration::from_secs(60)).expect("a policy");
    server.kill();
    for _ in 0..2 {
        assert_eq!(probe.check().await.expect_err("it is away").kind(), Kind::Unavailable);
        let away = limiter.decide(&policy, "key", 1, at(0)).await.expect_err("it is away");
        assert!(away.retry_after().is_some() && away.is_retryable());
    }
    server.start_again().await;
    let store = RedisIdempotencyStore::new(&redis);
    let claimed = store.claim(&claim(&key("after"), 1, at(0))).await.expect("a claim");
    assert!(matches!(claimed, Claim::Granted(_)), "{claimed:?}");
    assert!(limiter.decide(&policy, "key", 1, at(0)).await.expect("a decision").is_allowed());
}

/// The connection stays open, and nobody answers: as when a cable is cut.
#[tokio::test]
async fn a_silent_server_is_found_out() {
    let server = Server::start(Persistence::None).await;
    let options = crate::redis::RedisOptions { response_timeout: Duration::from_millis(300), ..server.options() };
    let redis = crate::redis::Redis::open(options).await.expect("the server is there");
    let mut listener = RedisInvalidations::new(&redis).listen().await.expect("a listener");
    let probe = RedisProbe::new(&redis);
    server.signal("STOP");
    let late = timeout(Duration::from_secs(4), probe.check()).await.expect("within four seconds");
    let late = late.expect_err("nobody answers");
    assert_eq!(late.kind(), Kind::Timeout);
    assert!(late.is_retryable() && late.retry_after().is_some());
    // The connection that listens gives up as well, by its own heartbeat.
    let silence = timeout(Duration::from_millis(1_500), listener.next()).await;
    assert!(silence.is_err(), "{silence:?}");
    server.signal("CONT");
    eventually(async || probe.check().await.is_ok()).await;
    assert_eq!(heard(&mut listener).await, Heard::Everything);
}

#[tokio::test]
async fn a_server_that_is_no_primary_any_more_is_unavailable() {
    let server = Server::start(Persistence::None).await;
    let bus = RedisEventBus::new(&server.open().await);
    bus.publish(&some(1, 1)).await.expect("published");
    server.command(&["REPLICAOF", "127.0.0.1", "1"]);
    let error = bus.publish(&some(2, 1)).await.expect_err("a replica is not written to");
    assert_eq!(error.kind(), Kind::Unavailable);
    assert!(error.retry_after().is_some());
    server.command(&["REPLICAOF", "NO", "ONE"]);
    bus.publish(&some(2, 1)).await.expect("published");
}

#[tokio::test]
async fn a_full_server_is_unavailable_until_there_is_room() {
    let server = Server::start(Persistence::None).await;
    let redis = server.open().await;
    let (bus, store) = (RedisEventBus::new(&redis), RedisIdempotencyStore::new(&redis));
    let first = bus.publish(&some(1, 1)).await.expect("published");
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    let request = claim(&key("full"), 1, at(0));
    for error in
        [bus.publish(&some(1, 3)).await.expect_err("it is full"), store.claim(&request).await.expect_err("it is full")]
    {
        assert_eq!((error.kind(), error.message()), (Kind::Unavailable, "Redis is full: out of memory"));
    }
    assert_eq!(bus.bounds().await.expect("bounds").end, first[0], "nothing was appended in part");
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    bus.publish(&some(1, 3)).await.expect("published");
    assert!(matches!(store.claim(&request).await, Ok(Claim::Granted(_))));
}

impl Server {
    /// Stops it where it stands, or lets it go on.
    fn signal(&self, signal: &str) {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status().expect("a signal can be sent");
        assert!(sent.success());
    }
}

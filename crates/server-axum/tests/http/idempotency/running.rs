//! Keyed requests while they run.

use std::time::Duration;

use insta::assert_snapshot;
use serde_json::json;

use super::link;
use crate::harness::{Mood, Server};

#[tokio::test]
async fn a_retry_meanwhile_is_told_to_wait_and_another_request_that_it_is_another() {
    let server = Server::start().await;
    server.links.set(Mood::Waits);
    let first = tokio::spawn(server.post("/v1/links", &link()).once("k").send());
    server.links.reached(1).await;
    let busy = server.post("/v1/links", &link()).once("k").send().await;
    assert_eq!(busy.fault(), (409, "IDEMPOTENCY_IN_FLIGHT".into()));
    assert_snapshot!("in_flight", busy.show());
    let other = server.post("/v1/links", &json!({"destination": "https://example.org/"})).once("k").send().await;
    assert_eq!(other.fault(), (422, "IDEMPOTENCY_KEY_REUSED".into()));
    server.links.set(Mood::Works);
    let made = first.await.unwrap();
    assert_eq!(made.status, 201);
    assert_eq!(server.post("/v1/links", &link()).once("k").send().await.body, made.body);
}

#[tokio::test]
async fn a_caller_that_hangs_up_does_not_stop_the_work() {
    let server = Server::start().await;
    server.links.set(Mood::Waits);
    let first = tokio::spawn(server.post("/v1/links", &link()).once("k").send());
    server.links.reached(1).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    server.links.set(Mood::Works);
    let mut replies = Vec::new();
    // What runs on has to be given its turns.
    for _ in 0..1_000 {
        let reply = server.post("/v1/links", &link()).once("k").send().await;
        if reply.status == 201 {
            replies.push(reply);
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(replies.first().map(|reply| reply.header("idempotent-replayed")), Some("true"));
    assert_eq!(server.count().await, 1);
}

#[tokio::test]
async fn a_request_that_died_gives_its_key_up_with_its_lease() {
    let server = Server::start().await;
    server.links.set(Mood::Panics);
    assert_eq!(server.post("/v1/links", &link()).once("k").send().await.status, 500);
    server.links.set(Mood::Works);
    let busy = server.post("/v1/links", &link()).once("k").send().await;
    assert_eq!(busy.code(), "IDEMPOTENCY_IN_FLIGHT");
    assert_eq!(busy.header("retry-after"), "1", "most requests are answered long before their lease ends");
    server.clock.advance(Duration::from_secs(30));
    assert_eq!(server.post("/v1/links", &link()).once("k").send().await.status, 201);
}

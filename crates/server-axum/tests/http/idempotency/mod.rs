//! A request that is sent twice is carried out once (contract §4).

mod running;

use std::time::Duration;

use http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{Mood, Server};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn link() -> Value {
    json!({"destination": "https://example.com/"})
}

#[tokio::test]
async fn a_retry_gets_the_same_answer_under_fresh_headers_of_the_moment() {
    let server = Server::start().await;
    let body = json!({"destination": "https://example.com/", "slug": "spring"});
    let first = server.post("/v1/links", &body).once("k").send().await;
    assert!(!first.has("idempotent-replayed"));
    server.clock.advance(Duration::from_secs(5));
    let again = server.post("/v1/links", &body).once("k").send().await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    for name in ["location", "etag", "content-type", "cache-control", "vary"] {
        assert_eq!(again.header(name), first.header(name), "{name}");
    }
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
    assert_ne!(again.header("x-ratelimit-reset"), first.header("x-ratelimit-reset"));
    assert_eq!(server.count().await, 1);
    assert_snapshot!("replayed", again.show());
}

#[tokio::test]
async fn the_answer_is_that_of_then_whatever_became_of_the_link() {
    let server = Server::start().await;
    let first = server.post("/v1/links", &link()).once("k").send().await;
    let path = format!("/v1/links/{}", first.json()["id"].as_str().unwrap());
    server.delete(&path).send().await;
    let again = server.post("/v1/links", &link()).once("k").send().await;
    assert_eq!((again.status, &again.body), (201, &first.body));
    assert_eq!(server.count().await, 0, "it was not made anew");
}

#[tokio::test]
async fn a_patch_is_applied_once() {
    let server = Server::start().await;
    let path = server.make_slug("spring").await;
    let patch = json!({"title": "New"});
    let first = server.patch(&path, &patch).once("k").send().await;
    let again = server.patch(&path, &patch).once("k").send().await;
    assert_eq!((&again.body, again.header("etag")), (&first.body, first.header("etag")));
    assert_eq!(server.get(&path).send().await.json()["version"], 2);
}

#[tokio::test]
async fn a_bulk_is_carried_out_once() {
    let server = Server::start().await;
    for (key, atomic) in [("each", false), ("all", true)] {
        let body = json!({"items": [link(), link()], "atomic": atomic});
        let first = server.post("/v1/links/bulk", &body).once(key).send().await;
        let again = server.post("/v1/links/bulk", &body).once(key).send().await;
        assert_eq!((again.status, &again.body), (first.status, &first.body));
    }
    assert_eq!(server.count().await, 4);
}

#[tokio::test]
async fn the_quoted_and_the_bare_key_are_one() {
    let server = Server::start().await;
    server.post("/v1/links", &link()).once("\"abc\"").send().await;
    let again = server.post("/v1/links", &link()).once("abc").send().await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(server.count().await, 1);
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_and_nothing_done() {
    let server = Server::start().await;
    let path = server.make_slug("spring").await;
    let long = "k".repeat(256);
    for key in ["", " ", "\"\"", &long, "a b", "\"a b\"", "\"open", "\"a\"b", "é", "\"a\\n\"", "a\tb"] {
        for asking in [
            server.post("/v1/links", &link()),
            server.patch(&path, &json!({"title": "x"})),
            server.post("/v1/links/bulk", &json!({"items": [link()]})),
        ] {
            let reply = asking.header_bytes("idempotency-key", key.as_bytes()).send().await;
            assert_eq!(reply.fault(), (400, "INVALID_IDEMPOTENCY_KEY".into()), "{key}");
            assert_eq!(reply.faulty(), ["header.Idempotency-Key"]);
        }
    }
    let twice = server.post("/v1/links", &link()).once("a").once("a").send().await;
    assert_eq!(twice.fault(), (400, "INVALID_IDEMPOTENCY_KEY".into()));
    assert_eq!(server.post("/v1/links", &link()).once(&"k".repeat(255)).send().await.status, 201);
    assert_eq!(server.count().await, 2);
}

#[tokio::test]
async fn a_key_stands_for_one_request() {
    let server = Server::start().await;
    let path = server.make_slug("spring").await;
    server.post("/v1/links", &link()).once("k").send().await;
    for other in [
        server.post("/v1/links", &json!({"destination": "https://example.org/"})),
        server.post("/v1/links", &link()).body(r#"{"destination":  "https://example.com/"}"#),
        server.post("/v1/links/bulk", &json!({"items": [link()]})),
        server.patch(&path, &json!({"title": "New"})),
    ] {
        let reply = other.once("k").send().await;
        assert_eq!(reply.fault(), (422, "IDEMPOTENCY_KEY_REUSED".into()));
    }
    assert_eq!(server.count().await, 2);
    let snapshot = server.post("/v1/links", &json!({"destination": "https://example.org/"})).once("k").send().await;
    assert_snapshot!("key_reused", snapshot.show());
}

#[tokio::test]
async fn keys_of_two_workspaces_are_two_keys_and_of_two_principals_one() {
    let server = Server::start().await;
    let first = server.post("/v1/links", &link()).once("k").send().await;
    let stranger = server.issue("other", "*").await;
    let theirs = server.post("/v1/links", &link()).once("k").key(&stranger).send().await;
    assert!(!theirs.has("idempotent-replayed") && theirs.body != first.body);
    let colleague = server.issue("default", "links:write").await;
    let ours = server.post("/v1/links", &link()).once("k").key(&colleague).send().await;
    assert_eq!((ours.header("idempotent-replayed"), &ours.body), ("true", &first.body));
}

#[tokio::test]
async fn who_may_not_do_it_gets_no_replay_either() {
    let server = Server::start().await;
    server.post("/v1/links", &link()).once("k").send().await;
    let reader = server.issue("default", "links:read").await;
    assert_eq!(server.post("/v1/links", &link()).once("k").key(&reader).send().await.code(), "INSUFFICIENT_SCOPE");
    let nobody = server.anonymous(Method::POST, "/v1/links").json(&link()).once("k").send().await;
    assert_eq!(nobody.code(), "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_refusal_that_came_out_of_carrying_it_out_is_kept() {
    let server = Server::start().await;
    let path = server.make_slug("spring").await;
    let body = json!({"destination": "https://example.com/", "slug": "spring"});
    let taken = server.post("/v1/links", &body).once("taken").send().await;
    server.delete(&path).send().await;
    let again = server.post("/v1/links", &body).once("taken").send().await;
    assert_eq!((again.fault(), again.header("idempotent-replayed")), ((409, "SLUG_TAKEN".into()), "true"));
    assert_eq!(again.body, taken.body);
    let patch = || server.patch(&path, &json!({"title": "x"})).once("gone");
    assert_eq!(patch().send().await.status, 404);
    assert_eq!(patch().send().await.header("idempotent-replayed"), "true");
    let other = server.make_slug("autumn").await;
    let stale = || server.patch(&other, &json!({"title": "x"})).header("if-match", "\"old\"").once("stale");
    assert_eq!(stale().send().await.status, 412);
    assert_eq!(stale().send().await.header("idempotent-replayed"), "true");
}

#[tokio::test]
async fn what_the_request_lacked_is_not_kept() {
    let server = Server::start().await;
    let path = server.make_slug("spring").await;
    assert_eq!(server.post("/v1/links", &json!({"destination": 1})).once("k").send().await.status, 422);
    assert_eq!(server.post("/v1/links", &link()).body("{").once("k").send().await.status, 400);
    assert_eq!(server.post("/v1/links", &link()).without("content-type").once("k").send().await.status, 415);
    assert_eq!(server.anonymous(Method::POST, "/v1/links").json(&link()).once("k").send().await.status, 401);
    assert_eq!(server.patch(&path, &json!({"title": 5})).once("k").send().await.status, 422);
    let keys: serde_json::Map<_, _> = (0..51).map(|n| (n.to_string(), json!(n))).collect();
    assert_eq!(server.patch(&path, &json!({"metadata": keys})).once("k").send().await.status, 422);
    server.links.set(Mood::Away);
    assert_eq!(server.post("/v1/links", &link()).once("k").send().await.status, 503);
    server.links.set(Mood::Works);
    let mended = server.post("/v1/links", &link()).once("k").send().await;
    assert_eq!((mended.status, mended.has("idempotent-replayed")), (201, false));
}

#[tokio::test]
async fn an_answer_is_kept_for_a_day() {
    let server = Server::start().await;
    let first = server.post("/v1/links", &link()).once("k").send().await;
    server.clock.advance(DAY - Duration::from_secs(1));
    server.run_engines().await;
    assert_eq!(server.post("/v1/links", &link()).once("k").send().await.body, first.body);
    server.clock.advance(Duration::from_secs(1));
    let anew = server.post("/v1/links", &link()).once("k").send().await;
    assert!(!anew.has("idempotent-replayed") && anew.body != first.body);
}

#[tokio::test]
async fn reads_and_deletes_have_no_use_for_a_key() {
    let server = Server::start().await;
    let path = server.make_slug("spring").await;
    assert_eq!(server.get(&path).once("").send().await.status, 200);
    assert_eq!(server.delete(&path).once("k").send().await.status, 204);
    assert_eq!(server.delete(&path).once("k").send().await.status, 404);
}

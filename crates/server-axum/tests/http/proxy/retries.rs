//! What is sent again, and what never.

use serde_json::json;
use waypost_server_axum::proxy::forward::{Edge, Rule};

use super::ground::*;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbusy";
const FAULT: &str = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
/// It hangs up without a word.
const NOTHING: &str = "";

/// How often two targets that answer `bad` saw a request.
async fn sent(bad: &'static str, method: &str, headers: &str, body: &str) -> (u16, usize) {
    let (one, two) = (Raw::start(bad).await, Raw::start(bad).await);
    let upstream = upstream(&[one.running.url(), two.running.url()], json!({"retries": {"attempts": 2}}));
    let gateway = gateway(upstream, Rule::default(), Edge::default()).await;
    let answer = ask(gateway.address, method, "/", headers, body).await;
    assert!(one.seen().len() <= 1 && two.seen().len() <= 1, "never twice at one target while there is another");
    (answer.status, one.seen().len() + two.seen().len())
}

#[tokio::test]
async fn a_post_without_a_key_is_never_sent_twice() {
    for bad in [NOTHING, BUSY] {
        for method in ["POST", "PATCH"] {
            let (status, times) = sent(bad, method, "", "a body").await;
            assert_eq!((status, times), (if bad == BUSY { 503 } else { 502 }, 1), "{method} {bad:?}");
        }
    }
    let (status, times) = sent(NOTHING, "POST", "", "").await;
    assert_eq!((status, times), (502, 1));
}

#[tokio::test]
async fn a_key_that_the_target_does_not_see_makes_nothing_repeatable() {
    for headers in [
        "Connection: Idempotency-Key\r\nIdempotency-Key: \"k\"\r\n",
        "Idempotency-Key: \"k\"\r\nIdempotency-Key: \"l\"\r\n",
        "Idempotency-Key: \"\"\r\n",
    ] {
        assert_eq!(sent(NOTHING, "POST", headers, "a body").await, (502, 1), "{headers}");
    }
}

#[tokio::test]
async fn what_does_no_more_the_second_time_is_sent_to_another_target() {
    for (method, headers, body) in [
        ("GET", "", ""),
        ("HEAD", "", ""),
        ("PUT", "", "a body"),
        ("DELETE", "", ""),
        ("POST", "Idempotency-Key: \"k\"\r\n", "a body"),
    ] {
        assert_eq!(sent(NOTHING, method, headers, body).await, (502, 2), "{method}");
        assert_eq!(sent(BUSY, method, headers, body).await, (503, 2), "{method}");
    }
}

#[tokio::test]
async fn an_answer_of_the_targets_own_is_not_asked_for_again() {
    assert_eq!(sent(FAULT, "GET", "", "").await, (500, 1));
    assert_eq!(sent(OK, "GET", "", "").await, (200, 1));
}

#[tokio::test]
async fn a_repetition_brings_the_body_whole() {
    let (bad, good) = (Raw::start(NOTHING).await, Raw::start(OK).await);
    let upstream = upstream(&[bad.running.url(), good.running.url()], json!({}));
    let gateway = gateway(upstream, Rule::default(), Edge::default()).await;
    for _ in 0..4 {
        assert_eq!(ask(gateway.address, "PUT", "/", "", "the whole body").await.status, 200);
    }
    assert!(!bad.seen().is_empty(), "it was asked as well");
    assert!(good.seen().iter().all(|request| request.ends_with("\r\n\r\nthe whole body")), "{:?}", good.seen());
}

#[tokio::test]
async fn a_body_that_was_begun_is_not_sent_again() {
    let large = "x".repeat(200 * 1_024);
    let (status, times) = sent(NOTHING, "PUT", "", &large).await;
    // The first target may hang up before anything of the body was taken; then nothing is lost by a second try.
    assert!(status == 502 && times <= 2, "{status} {times}");
    let slow =
        "PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let (one, two) = (Raw::start(BUSY).await, Raw::start(BUSY).await);
    let upstream = upstream(&[one.running.url(), two.running.url()], json!({}));
    let gateway = gateway(upstream, Rule::default(), Edge::default()).await;
    assert_eq!(send(gateway.address, slow).await.status, 503);
    assert_eq!(one.seen().len() + two.seen().len(), 1, "its length is not known, so it was not kept");
}

#[tokio::test]
async fn who_is_not_there_is_passed_over() {
    let good = Raw::start(OK).await;
    let upstream = upstream(&[nowhere().await, good.running.url()], json!({}));
    let gateway = gateway(upstream, Rule::default(), Edge::default()).await;
    for _ in 0..8 {
        assert_eq!(get(gateway.address, "/").await.status, 200);
    }
}

#[tokio::test]
async fn repetitions_come_to_an_end_with_the_budget() {
    let (one, two) = (Raw::start(BUSY).await, Raw::start(BUSY).await);
    let more = json!({"retries": {"attempts": 2, "budget": 3}, "breaker": {"requests": 1_000}});
    let upstream = upstream(&[one.running.url(), two.running.url()], more);
    let gateway = gateway(upstream, Rule::default(), Edge::default()).await;
    for _ in 0..10 {
        assert_eq!(get(gateway.address, "/").await.status, 503);
    }
    // Ten requests and three repetitions: what fails earns none.
    assert_eq!(one.seen().len() + two.seen().len(), 13);
}

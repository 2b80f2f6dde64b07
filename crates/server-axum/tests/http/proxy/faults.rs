//! Targets that fail: breaker, ejection, time-outs, and what callers are told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::any;
use http::StatusCode;
use serde_json::{Value, json};
use waypost_core::clock::ManualClock;
use waypost_server_axum::proxy::config::RouteKind;
use waypost_server_axum::proxy::forward::{Edge, Rule};

use super::ground::*;

fn clock() -> (ManualClock, Edge) {
    let clock = ManualClock::new("2026-11-20T12:00:00Z".parse().expect("a moment"));
    let edge = Edge { clock: Arc::new(clock.clone()), ..Edge::default() };
    (clock, edge)
}

/// A target that can be told to fail, and counts.
struct Moody {
    running: Running,
    fails: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
}

impl Moody {
    async fn start(status: StatusCode) -> Self {
        let (fails, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (ill, count) = (fails.clone(), asked.clone());
        let answer = move || async move {
            count.fetch_add(1, Ordering::SeqCst);
            if ill.load(Ordering::SeqCst) { status } else { StatusCode::OK }
        };
        Self { running: serve(Router::new().fallback(any(answer))).await, fails, asked }
    }

    fn asked(&self) -> usize {
        self.asked.swap(0, Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_breaker_opens_rests_tries_and_closes() {
    let target = Moody::start(StatusCode::SERVICE_UNAVAILABLE).await;
    let (clock, edge) = clock();
    let breaker = json!({"requests": 4, "failure_percent": 50, "open_for": "5s", "trials": 2, "window": "10s"});
    let upstream = upstream(&[target.running.url()], json!({"breaker": breaker, "retries": {"attempts": 1}}));
    let gateway = gateway(upstream.clone(), Rule::default(), edge).await;
    let state = || upstream.targets().next().expect("a target").breaker_state();
    let ask = || async { get(gateway.address, "/").await };

    target.fails.store(true, Ordering::SeqCst);
    for _ in 0..4 {
        assert_eq!(ask().await.status, 503);
    }
    assert_eq!((target.asked(), state()), (4, "open"));
    let refused = ask().await;
    assert_eq!((refused.status, refused.header("retry-after"), target.asked()), (503, Some("5"), 0));

    clock.advance(Duration::from_secs(5));
    assert_eq!((ask().await.status, target.asked(), state()), (503, 1, "open"), "a bad trial");
    clock.advance(Duration::from_secs(5));
    target.fails.store(false, Ordering::SeqCst);
    assert_eq!((ask().await.status, state()), (200, "half_open"));
    assert_eq!((ask().await.status, state()), (200, "closed"));
}

#[tokio::test]
async fn a_target_that_does_worse_is_set_aside_and_comes_back() {
    let (ill, well) = (Moody::start(StatusCode::INTERNAL_SERVER_ERROR).await, Moody::start(StatusCode::OK).await);
    ill.fails.store(true, Ordering::SeqCst);
    let (clock, edge) = clock();
    let ejection = json!({"failures": 3, "time": "10s", "longest": "1m"});
    let upstream = upstream(&[ill.running.url(), well.running.url()], json!({"ejection": ejection}));
    let gateway = gateway(upstream, Rule::default(), edge).await;
    for round in [10, 20] {
        let mut faults = 0;
        for _ in 0..40 {
            faults += usize::from(get(gateway.address, "/").await.status == 500);
        }
        assert_eq!((faults, ill.asked(), well.asked()), (3, 3, 37), "three in a row, then none");
        clock.advance(Duration::from_secs(round - 1));
        get(gateway.address, "/").await;
        assert_eq!((ill.asked(), well.asked()), (0, 1), "{round} s, each time longer");
        clock.advance(Duration::from_secs(1));
    }
    ill.fails.store(false, Ordering::SeqCst);
    for _ in 0..10 {
        assert_eq!(get(gateway.address, "/").await.status, 200);
    }
    assert!(ill.asked() > 2, "it is asked again");
}

#[tokio::test]
async fn never_more_than_half_of_the_targets_are_set_aside() {
    let mut targets = Vec::new();
    for _ in 0..4 {
        let target = Moody::start(StatusCode::INTERNAL_SERVER_ERROR).await;
        target.fails.store(true, Ordering::SeqCst);
        targets.push(target);
    }
    let urls: Vec<String> = targets.iter().map(|target| target.running.url()).collect();
    let (clock, edge) = clock();
    let upstream = upstream(&urls, json!({"ejection": {"failures": 1, "time": "1h", "longest": "1h"}}));
    let gateway = gateway(upstream, Rule::default(), edge).await;
    for _ in 0..40 {
        assert_eq!(get(gateway.address, "/").await.status, 500, "somebody is always asked");
    }
    for target in &targets {
        target.asked();
    }
    clock.advance(Duration::from_secs(1));
    for _ in 0..40 {
        get(gateway.address, "/").await;
    }
    let asked = targets.iter().filter(|target| target.asked() > 0).count();
    assert_eq!(asked, 2);
}

#[tokio::test]
async fn nobody_there_is_503_with_a_wait_and_who_breaks_off_is_502() {
    let gateway_of =
        |url: String| async { gateway(upstream(&[url], Value::Null), Rule::default(), Edge::default()).await };
    let gone = gateway_of(nowhere().await).await;
    let answer = get(gone.address, "/").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    let silent = Raw::start("").await;
    assert_eq!(get(gateway_of(silent.running.url()).await.address, "/").await.status, 502);
    let garbage = Raw::start("HELLO\r\n\r\n").await;
    assert_eq!(get(gateway_of(garbage.running.url()).await.address, "/").await.status, 502);
    let lengths = Raw::start("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc").await;
    assert_eq!(get(gateway_of(lengths.running.url()).await.address, "/").await.status, 502);
    let switched = Raw::start("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n").await;
    assert_eq!(get(gateway_of(switched.running.url()).await.address, "/").await.status, 502, "nobody asked for it");
}

#[tokio::test]
async fn a_target_that_takes_too_long_is_504_and_counts_as_failed() {
    let asked = Arc::new(AtomicBool::new(false));
    let heard = asked.clone();
    let silent = move || async move {
        heard.store(true, Ordering::SeqCst);
        std::future::pending::<()>().await
    };
    let target = serve(Router::new().fallback(any(silent))).await;
    let (clock, edge) = clock();
    let upstream = upstream(&[target.url()], json!({"breaker": {"requests": 1}}));
    let gateway = gateway(upstream.clone(), Rule::default(), edge).await;
    let address = gateway.address;
    let waiting = tokio::spawn(async move { get(address, "/").await });
    until("the target is asked", || asked.load(Ordering::SeqCst)).await;
    assert!(!waiting.is_finished());
    clock.advance(Duration::from_secs(30));
    assert_eq!(waiting.await.expect("no panic").status, 504);
    let target = upstream.targets().next().expect("a target");
    assert_eq!((target.breaker_state(), target.in_flight()), ("open", 0));
}

#[tokio::test]
async fn a_target_that_is_full_is_not_asked() {
    let target = serve(Router::new().fallback(any(std::future::pending::<()>))).await;
    let upstream = upstream(&[target.url()], json!({"max_in_flight": 1}));
    let rule = Rule { kind: RouteKind::Stream, ..Rule::default() };
    let gateway = gateway(upstream.clone(), rule, Edge::default()).await;
    let address = gateway.address;
    let first = tokio::spawn(async move { get(address, "/").await });
    let in_flight = || upstream.targets().next().expect("a target").in_flight();
    until("the first is under way", || in_flight() == 1).await;
    assert_eq!(get(address, "/").await.status, 503);
    assert_eq!(in_flight(), 1, "a refusal takes no place");
    first.abort();
    until("who leaves frees the place", || in_flight() == 0).await;
}

#[tokio::test]
async fn a_target_that_says_nothing_in_the_handshake_is_given_up_in_the_time_for_connections() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("https://{}", listener.local_addr().expect("an address"));
    // The system takes the connection; nobody answers on it.
    let more = serde_json::json!({"connect_timeout": "100ms", "retries": {"attempts": 1}});
    let rule = Rule { timeout: std::time::Duration::from_secs(20), ..Rule::default() };
    let gateway = gateway(upstream(&[url], more), rule, Edge::default()).await;
    assert_eq!(get(gateway.address, "/").await.status, 503, "away, not late");
    drop(listener);
}

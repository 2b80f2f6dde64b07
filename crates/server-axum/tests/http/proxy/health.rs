//! Active health checks, step by step.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use serde_json::json;
use tokio_util::task::AbortOnDropHandle;
use waypost_core::clock::{Clock, ManualClock};
use waypost_core::engine::{Engine, Next};
use waypost_server_axum::proxy::forward::{Edge, Rule};
use waypost_server_axum::proxy::upstream::HealthChecks;

use super::ground;

#[tokio::test]
async fn a_target_is_left_alone_while_it_says_that_it_is_ill() {
    let (is_well, asked) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
    let (well, count) = (is_well.clone(), asked.clone());
    let readyz = move || async move {
        count.fetch_add(1, Ordering::SeqCst);
        if well.load(Ordering::SeqCst) { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
    };
    let moody = ground::serve(Router::new().route("/readyz", get(readyz)).fallback(|| async { "moody" })).await;
    let steady = ground::serve(Router::new().fallback(|| async { "steady" })).await;
    let health = json!({"path": "/readyz", "interval": "5s", "healthy_after": 2, "unhealthy_after": 3});
    let upstream = ground::upstream(&[moody.url(), steady.url()], json!({"health": health}));
    let clock = ManualClock::new("2026-11-20T12:00:00Z".parse().expect("a moment"));
    let current = upstream.clone();
    let mut checks = HealthChecks::new(Arc::new(move || vec![current.clone()]), Arc::new(clock.clone()));
    let gateway = ground::gateway(upstream.clone(), Rule::default(), Edge::default()).await;
    let target = upstream.targets().next().expect("a target").clone();

    let mut step = async |asks: usize| {
        clock.advance(Duration::from_secs(5));
        let next = checks.step(clock.now()).await.expect("a round");
        assert!(matches!(next, Next::At(at) if at > clock.now()), "{next:?}");
        // Not due again before the interval is over.
        checks.step(clock.now()).await.expect("a round");
        assert_eq!(asked.swap(0, Ordering::SeqCst), asks);
        target.is_well()
    };
    assert!(step(1).await);
    is_well.store(false, Ordering::SeqCst);
    assert_eq!((step(1).await, step(1).await, step(1).await), (true, true, false), "the third in a row");
    for _ in 0..6 {
        assert_eq!(ground::get(gateway.address, "/").await.body, "steady");
    }
    is_well.store(true, Ordering::SeqCst);
    assert_eq!((step(1).await, step(1).await), (false, true), "the second in a row");
    let mut bodies = Vec::new();
    for _ in 0..6 {
        bodies.push(ground::get(gateway.address, "/").await.body);
    }
    assert!(bodies.contains(&"moody".to_owned()), "{bodies:?}");
}

#[tokio::test]
async fn a_target_that_does_not_answer_in_time_is_ill_and_where_all_are_nobody_is_asked() {
    let silent = ground::serve(Router::new().fallback(std::future::pending::<()>)).await;
    let gone = ground::nowhere().await;
    let health = json!({"path": "/", "unhealthy_after": 1, "timeout": "1s"});
    let upstream = ground::upstream(&[silent.url(), gone], json!({"health": health}));
    let clock = ManualClock::new("2026-11-20T12:00:00Z".parse().expect("a moment"));
    let current = upstream.clone();
    let mut checks = HealthChecks::new(Arc::new(move || vec![current.clone()]), Arc::new(clock.clone()));
    let now = clock.clone();
    let rounds = AbortOnDropHandle::new(tokio::spawn(async move {
        loop {
            checks.step(now.now()).await.expect("a round");
            tokio::task::yield_now().await;
        }
    }));
    ground::until("all are ill", || {
        clock.advance(Duration::from_millis(1));
        upstream.targets().all(|target| !target.is_well())
    })
    .await;
    drop(rounds);
    let gateway = ground::gateway(upstream, Rule::default(), Edge::default()).await;
    assert_eq!(ground::get(gateway.address, "/").await.status, 503);
}

#[tokio::test]
async fn a_slow_upstream_does_not_hold_up_the_checks_of_another() {
    let silent = ground::serve(Router::new().fallback(std::future::pending::<()>)).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let answer = move || async move { count.fetch_add(1, Ordering::SeqCst) };
    let quick = ground::serve(Router::new().fallback(|| async move { answer().await.to_string() })).await;
    let slow = ground::upstream(&[silent.url()], json!({"health": {"path": "/", "interval": "1s", "timeout": "60s"}}));
    let other = ground::upstream(&[quick.url()], json!({"health": {"path": "/", "interval": "1s"}}));
    let clock = ManualClock::new("2026-11-20T12:00:00Z".parse().expect("a moment"));
    let current = Arc::new(move || vec![slow.clone(), other.clone()]);
    let mut checks = HealthChecks::new(current, Arc::new(clock.clone()));
    let now = clock.clone();
    let _rounds = AbortOnDropHandle::new(tokio::spawn(async move {
        loop {
            checks.step(now.now()).await.expect("a round");
            tokio::task::yield_now().await;
        }
    }));
    for times in 1..=20 {
        // Twenty seconds, a third of the time that the slow one has for one answer.
        ground::until("the other one is asked", || asked.load(Ordering::SeqCst) >= times).await;
        clock.advance(Duration::from_secs(1));
    }
}

//! Shares by weight, and changing configurations under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::Router;
use serde_json::{Value, json};
use waypost_server_axum::proxy::config::{Section, Vocabulary, check};
use waypost_server_axum::proxy::forward::{Edge, Rule};
use waypost_server_axum::proxy::table::Table;
use waypost_server_axum::proxy::upstream::Upstream;
use waypost_server_axum::{App, Gateway, HttpOptions, Own};

use super::ground::*;
use crate::harness::Server;

async fn counting() -> (Running, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let answer = move || async move {
        counted.fetch_add(1, Ordering::SeqCst);
        "ok"
    };
    (serve(Router::new().fallback(answer)).await, count)
}

fn weighted(urls: &[(&str, u32)]) -> Value {
    let targets: Vec<Value> = urls.iter().map(|(url, weight)| json!({"url": url, "weight": weight})).collect();
    json!({"targets": targets})
}

#[tokio::test]
async fn a_canary_gets_its_share() {
    let ((old, of_old), (new, of_new)) = (counting().await, counting().await);
    let upstream = upstream(&[], weighted(&[(&old.url(), 90), (&new.url(), 10)]));
    let gateway = gateway(upstream, Rule::default(), Edge::default()).await;
    for _ in 0..500 {
        assert_eq!(get(gateway.address, "/").await.status, 200);
    }
    let (old, new) = (of_old.load(Ordering::SeqCst), of_new.load(Ordering::SeqCst));
    assert!(old + new == 500 && (45..=55).contains(&new), "{old} and {new}");
}

#[tokio::test]
async fn a_target_that_did_not_change_keeps_what_is_known_of_it() {
    let ((one, _), (two, _)) = (counting().await, counting().await);
    let before = upstream(&[one.url()], Value::Null);
    let known = before.targets().next().expect("a target").clone();
    let is_kept = |upstream: &Upstream| upstream.targets().any(|target| Arc::ptr_eq(target, &known));
    let wider = upstream_after(&[], weighted(&[(&one.url(), 5), (&two.url(), 1)]), Some(&before));
    assert!(is_kept(&wider), "another weight and another neighbour");
    let other = upstream_after(&[one.url()], json!({"connect_timeout": "2s"}), Some(&before));
    assert!(!is_kept(&other), "connections are made in another way");
}

fn table(urls: &[String], before: Option<&Table>) -> Arc<Table> {
    let targets: Vec<Value> = urls.iter().map(|url| json!({"url": url})).collect();
    let section = json!({
        "version": 1,
        "upstreams": [{"name": "shop", "targets": targets}],
        "routes": [{"path": "/shop/{*rest}", "methods": ["GET"], "public": true, "upstream": "shop"}],
    });
    let plan = check(&Section::read(section).expect("a form"), &Vocabulary::default()).expect("words");
    Arc::new(Table::build(&plan, before, &Edge::default()).expect("it can be built"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_new_configurations_under_load_fail_no_request() {
    let ((one, of_one), (two, of_two)) = (counting().await, counting().await);
    let tables = [vec![one.url()], vec![one.url(), two.url()], vec![two.url()]];
    let platform = Server::start().await.platform.clone();
    let app = App::new(platform, HttpOptions::default(), None);
    let gateway = Gateway::with(app, Own::All, table(&tables[0], None)).expect("it can be served");
    let front = serve(Router::new().fallback_service(gateway.clone())).await;
    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (stop, answered, address) = (stop.clone(), answered.clone(), front.address);
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    let answer = get(address, "/shop/items").await;
                    assert_eq!((answer.status, answer.body.as_str()), (200, "ok"));
                    answered.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    for round in 0..50 {
        let reached = answered.load(Ordering::SeqCst) + 4;
        until("some requests are answered", || {
            answered.load(Ordering::SeqCst) >= reached || callers.iter().any(|caller| caller.is_finished())
        })
        .await;
        gateway.replace(table(&tables[round % 3], Some(&gateway.table()))).expect("it can be served");
    }
    stop.store(true, Ordering::SeqCst);
    for caller in callers {
        caller.await.expect("every request was answered");
    }
    let (one, two) = (of_one.load(Ordering::SeqCst), of_two.load(Ordering::SeqCst));
    assert!(one > 0 && two > 0 && one + two >= 200, "{one} and {two}");
}

//! Listing deliveries.

use std::time::Duration;

use serde_json::{Value, json};

use super::sending::Line;
use super::{hook, register, rows};
use crate::harness::Server;

#[tokio::test]
async fn deliveries_are_listed_in_pages_newest_first() {
    let server = Server::start().await;
    let (path, _) = register(&server, &hook()).await;
    for _ in 0..25 {
        server.clock.advance(Duration::from_secs(1));
        server.make(json!({"destination": "https://example.com/"})).await;
    }
    Line::of(&server).run(&server).await;
    let list = format!("{path}/deliveries");
    let (mut seen, mut next): (Vec<Value>, _) = (Vec::new(), Some(format!("{list}?limit=10&status=delivered")));
    let mut pages = 0;
    while let Some(page) = next {
        let reply = server.get(&page).send().await;
        let body = reply.json();
        assert_eq!(body["has_more"], json!(reply.next().is_some()));
        seen.extend(body["data"].as_array().unwrap().iter().cloned());
        (pages, next) = (pages + 1, reply.next());
    }
    assert_eq!((pages, seen.len()), (3, 25));
    assert!(seen.windows(2).all(|pair| pair[0]["id"].as_str() > pair[1]["id"].as_str()));
    assert_eq!(rows(&server, &list).await.len(), 20, "twenty unless asked otherwise");
}

#[tokio::test]
async fn every_filter_must_hold() {
    let server = Server::start().await;
    let (path, _) = register(&server, &hook()).await;
    let link = server.make_slug("a").await;
    server.clock.advance(Duration::from_secs(60));
    server.patch(&link, &json!({"title": "x"})).send().await;
    Line::of(&server).run(&server).await;
    let count = async |query: &str| rows(&server, &format!("{path}/deliveries?{query}")).await.len();
    for (query, expected) in [
        ("", 2),
        ("type=link.created", 1),
        ("type=link.deleted", 0),
        ("status=delivered", 2),
        ("status=failed", 0),
        ("created_after=2026-11-20T12:00:30Z", 1),
        ("created_before=2026-11-20T12:00:30Z", 1),
        ("created_before=2026-11-20T12:00:30Z&type=link.updated", 0),
    ] {
        assert_eq!(count(query).await, expected, "{query}");
    }
    let faulty = server.get(&format!("{path}/deliveries?status=lost&type=x&limit=0&created_after=1&y=1")).send().await;
    let expected = ["query.created_after", "query.limit", "query.status", "query.type", "query.y"];
    assert_eq!(faulty.faulty(), expected);
}

#[tokio::test]
async fn a_cursor_belongs_to_its_endpoint_and_its_filters() {
    let server = Server::start().await;
    let (path, _) = register(&server, &hook()).await;
    let (other, _) = register(&server, &hook()).await;
    for _ in 0..3 {
        server.make(json!({"destination": "https://example.com/"})).await;
    }
    Line::of(&server).run(&server).await;
    let page = server.get(&format!("{path}/deliveries?limit=1&type=link.created")).send().await.json();
    let cursor = page["next_cursor"].as_str().unwrap();
    let with = |path: &str, query: &str| server.get(&format!("{path}/deliveries?cursor={cursor}{query}")).send();
    assert_eq!(with(&path, "&type=link.created&limit=2").await.json()["data"].as_array().unwrap().len(), 2);
    for (path, query) in [(&path, ""), (&path, "&type=link.updated"), (&other, "&type=link.created")] {
        assert_eq!(with(path, query).await.fault(), (400, "INVALID_CURSOR".into()), "{query}");
    }
}

#[tokio::test]
async fn a_delivery_is_there_below_its_own_endpoint_alone() {
    let server = Server::start().await;
    let (path, _) = register(&server, &hook()).await;
    let (other, _) = register(&server, &json!({"url": "https://b.example/", "events": ["webhook.*"]})).await;
    server.make(json!({"destination": "https://example.com/"})).await;
    Line::of(&server).run(&server).await;
    let id = rows(&server, &format!("{path}/deliveries")).await[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(server.get(&format!("{path}/deliveries/{id}")).send().await.status, 200);
    assert_eq!(server.get(&format!("{other}/deliveries/{id}")).send().await.fault(), (404, "NOT_FOUND".into()));
    let retry = server.ask(http::Method::POST, &format!("{other}/deliveries/{id}/retry")).send().await;
    assert_eq!(retry.fault(), (404, "NOT_FOUND".into()));
    let nonsense = server.get(&format!("{path}/deliveries/evt_1")).send().await;
    assert_eq!((nonsense.status, nonsense.faulty()), (404, vec!["path.delivery_id".to_owned()]));
    let future = server.get(&format!("{path}/stats?since=2030-01-01T00:00:00Z")).send().await;
    assert_eq!(future.faulty(), ["query.since"]);
    let unused = server.get(&format!("{other}/stats")).send().await.json();
    assert_eq!((&unused["success_rate"], &unused["latency"]["p99_ms"]), (&Value::Null, &Value::Null));
}

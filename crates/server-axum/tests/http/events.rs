//! Events (contract §10, as far as the listing goes).

use http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::Server;

/// What happened, oldest first.
async fn listed(server: &Server, query: &str) -> Vec<String> {
    let page = server.get(&format!("/v1/events{query}")).send().await.json();
    page["data"].as_array().unwrap().iter().map(|event| event["event"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_is_done_is_told_once_and_in_order() {
    let server = Server::start().await;
    let path = server.make_slug("spring").await;
    server.patch(&path, &json!({"title": "New"})).send().await;
    server.follow("/spring").header("user-agent", "Firefox").send().await;
    server.run_engines().await;
    server.delete(&path).send().await;
    server.run_engines().await;
    server.run_engines().await;
    let mut told = listed(&server, "").await;
    assert_eq!((told.first().unwrap().as_str(), told.last().unwrap().as_str()), ("link.created", "link.deleted"));
    told.sort();
    assert_eq!(told, ["link.clicked", "link.created", "link.deleted", "link.updated"]);
    assert_snapshot!("events", server.get("/v1/events?types=link.created,link.clicked").send().await.show());
}

#[tokio::test]
async fn what_is_refused_is_not_told() {
    let server = Server::start().await;
    server.make_slug("spring").await;
    let body = json!({"destination": "https://example.com/", "slug": "spring"});
    server.post("/v1/links", &body).send().await;
    server
        .post("/v1/links/bulk", &json!({"items": [{"destination": "https://example.com/"}, body], "atomic": true}))
        .send()
        .await;
    server.post("/v1/links", &json!({"destination": "https://example.com/"})).once("k").send().await;
    server.post("/v1/links", &json!({"destination": "https://example.com/"})).once("k").send().await;
    server.run_engines().await;
    assert_eq!(listed(&server, "").await, ["link.created", "link.created"]);
}

#[tokio::test]
async fn an_expiry_is_told_once() {
    let server = Server::start().await;
    server.make(json!({"destination": "https://example.com/", "expires_at": "2026-11-20T12:00:10Z"})).await;
    server.clock.advance(std::time::Duration::from_secs(10));
    // The expiry is written by one engine and told by another, which may have had its turn already.
    for _ in 0..3 {
        server.run_engines().await;
    }
    assert_eq!(listed(&server, "?types=link.expired").await, ["link.expired"]);
}

#[tokio::test]
async fn a_cursor_leads_on_from_where_it_stands_and_is_never_null() {
    let server = Server::start().await;
    for slug in ["a", "b", "c"] {
        server.make_slug(slug).await;
    }
    server.run_engines().await;
    let (mut seen, mut path) = (Vec::new(), "/v1/events?limit=2&types=link.created".to_owned());
    for more in [true, false, false] {
        let reply = server.get(&path).send().await;
        let page = reply.json();
        assert_eq!((&page["has_more"], page["next_cursor"].is_string()), (&json!(more), true));
        seen.extend(page["data"].as_array().unwrap().iter().map(|event| event["data"]["link"]["slug"].clone()));
        path = reply.next().expect("where to go on is always there");
    }
    assert_eq!(seen, ["a", "b", "c"].map(Value::from));
    server.make_slug("d").await;
    server.run_engines().await;
    let page = server.get(&path).send().await.json();
    assert_eq!(page["data"][0]["data"]["link"]["slug"], "d");
    let own = page["data"][0]["cursor"].as_str().unwrap();
    assert_eq!(listed(&server, &format!("?cursor={own}")).await.len(), 0, "an event's cursor leads on after it");
}

#[tokio::test]
async fn a_workspace_sees_its_own_events() {
    let server = Server::start().await;
    let path = server.make_slug("spring").await;
    server.run_engines().await;
    let stranger = server.issue("other", "*").await;
    let subject = path.rsplit('/').next().unwrap();
    for query in ["", &format!("?subject={subject}")] {
        let page = server.get(&format!("/v1/events{query}")).key(&stranger).send().await.json();
        assert_eq!(page["data"], json!([]));
    }
    assert_eq!(listed(&server, &format!("?subject={subject}")).await.len(), 1);
    assert_eq!(listed(&server, "?subject=lnk_01JD3X8M2V7Q5T9B4C6E8G0HJK").await.len(), 0);
}

#[tokio::test]
async fn every_type_has_a_schema_that_its_events_obey() {
    let server = Server::start().await;
    let types = server.get("/v1/event-types").send().await;
    assert_snapshot!("event_types", types.show());
    for entry in types.json()["data"].as_array().unwrap() {
        let reply = server.get(entry["schema"].as_str().unwrap()).send().await;
        assert_eq!((reply.status, reply.header("content-type")), (200, "application/schema+json"));
        let schema = reply.json();
        assert_eq!(schema["$id"], entry["schema"]);
        let properties: Vec<_> = schema["properties"].as_object().unwrap().keys().cloned().collect();
        let subject = ["link", "webhook", "challenge"].iter().any(|name| properties.contains(&(*name).to_owned()));
        assert!(subject, "{properties:?}");
    }
    assert_eq!(server.get("/v1/event-types/link.nothing").send().await.fault(), (404, "NOT_FOUND".into()));
    assert_eq!(server.ask(Method::HEAD, "/v1/event-types/link.created").send().await.status, 200);
}

#[tokio::test]
async fn a_filter_that_is_none_is_refused() {
    let server = Server::start().await;
    let many = vec!["link.created"; 33].join(",");
    let long = "x".repeat(257);
    for (query, faulty) in [
        ("types=".to_owned(), "query.types"),
        ("types=Link%20Created".to_owned(), "query.types"),
        (format!("types={many}"), "query.types"),
        ("subject=".to_owned(), "query.subject"),
        (format!("subject={long}"), "query.subject"),
        ("limit=0".to_owned(), "query.limit"),
    ] {
        let reply = server.get(&format!("/v1/events?{query}")).send().await;
        assert_eq!((reply.status, reply.faulty()), (422, vec![faulty.to_owned()]), "{query:.40}");
    }
}

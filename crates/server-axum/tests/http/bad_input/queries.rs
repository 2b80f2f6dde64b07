//! Cursors, query parameters and ids.

use http::Method;
use serde_json::json;

use super::invalid;
use crate::harness::Server;

#[tokio::test]
async fn a_cursor_that_is_not_of_this_listing_is_refused() {
    let server = Server::start().await;
    for slug in ["a", "b", "c"] {
        server.make_slug(slug).await;
    }
    server.run_engines().await;
    let page = server.get("/v1/links?limit=1").send().await.json();
    let cursor = page["next_cursor"].as_str().unwrap();
    let flipped: String = cursor.chars().rev().collect();
    let event = server.get("/v1/events?limit=1").send().await.json()["next_cursor"].as_str().unwrap().to_owned();
    let long = "A".repeat(4_000);
    for forged in
        ["x", "%00", "AAAA", &flipped, &cursor[1..], &format!("{cursor}A"), &event, &long, "null", "-1", "../../etc"]
    {
        let reply = server.get(&format!("/v1/links?limit=1&cursor={forged}")).send().await;
        assert_eq!(
            (reply.fault(), reply.faulty()),
            ((400, "INVALID_CURSOR".into()), vec!["query.cursor".into()]),
            "{forged:.40}"
        );
    }
    for other in [
        "sort=slug",
        "tag=x",
        "q=a",
        "domain=go.example",
        "destination=https://example.com/",
        "created_after=2020-01-01T00:00:00Z",
    ] {
        let reply = server.get(&format!("/v1/links?cursor={cursor}&{other}")).send().await;
        assert_eq!(reply.code(), "INVALID_CURSOR", "a cursor without {other}");
    }
    let stranger = server.issue("other", "*").await;
    for path in [format!("/v1/links?limit=1&cursor={cursor}"), format!("/v1/events?cursor={event}")] {
        assert_eq!(server.get(&path).key(&stranger).send().await.code(), "INVALID_CURSOR", "foreign: {path}");
    }
    assert_eq!(server.get(&format!("/v1/events?cursor={cursor}")).send().await.code(), "INVALID_CURSOR");
}

#[tokio::test]
async fn query_parameters_are_read_strictly() {
    let server = Server::start().await;
    for (query, faulty) in [
        ("limit=0", "query.limit"),
        ("limit=-1", "query.limit"),
        ("limit=abc", "query.limit"),
        ("limit=", "query.limit"),
        ("limit=1.5", "query.limit"),
        ("limit=+1", "query.limit"),
        ("limit=0x10", "query.limit"),
        ("limit=%D9%A1", "query.limit"),
        ("sort=price", "query.sort"),
        ("sort=", "query.sort"),
        ("tag=", "query.tag"),
        ("domain=x.example", "query.domain"),
        ("destination=javascript:x", "query.destination"),
        ("created_after=yesterday", "query.created_after"),
        ("created_before=1", "query.created_before"),
        ("q=", "query.q"),
        ("colour=red", "query.colour"),
        ("limit=1&limit=1", "query.limit"),
    ] {
        let reply = server.get(&format!("/v1/links?{query}")).send().await;
        assert_eq!((reply.fault(), reply.faulty()), (invalid(), vec![faulty.to_owned()]), "{query}");
    }
    for path in ["/v1/links?a=1&b=2&limit=0", "/v1/events?a=1&b=2&limit=0"] {
        assert_eq!(server.get(path).send().await.faulty(), ["query.a", "query.b", "query.limit"]);
    }
}

#[tokio::test]
async fn a_parameter_that_nobody_reads_is_named() {
    let server = Server::start().await;
    let path = server.make_slug("spring").await;
    let body = json!({"destination": "https://example.com/"});
    for asking in [
        server.get(&format!("{path}?colour=red")),
        server.delete(&format!("{path}?colour=red")),
        server.patch(&format!("{path}?colour=red"), &json!({})),
        server.post("/v1/links?colour=red", &body),
        server.post("/v1/links/bulk?colour=red", &json!({"items": [body]})),
        server.get("/v1/event-types?colour=red"),
    ] {
        let reply = asking.send().await;
        assert_eq!((reply.fault(), reply.faulty()), (invalid(), vec!["query.colour".to_owned()]));
    }
    assert_eq!(server.count().await, 1);
}

#[tokio::test]
async fn ids_that_are_none_are_not_there() {
    let server = Server::start().await;
    for id in [
        "x",
        "lnk_",
        "lnk_0",
        "evt_01JD3X8M2V7Q5T9B4C6E8G0HJK",
        "lnk_zzzzzzzzzzzzzzzzzzzzzzzzzz",
        "..",
        "%00",
        "lnk_01JD3X8M2V7Q5T9B4C6E8G0HJK",
        "1%27%20OR%201=1",
    ] {
        for method in [Method::GET, Method::DELETE] {
            let reply = server.ask(method, &format!("/v1/links/{id}")).send().await;
            assert_eq!(reply.fault(), (404, "NOT_FOUND".into()), "{id}");
        }
    }
    assert_eq!(server.get("/v1/links/nonsense").send().await.faulty(), ["path.id"]);
}

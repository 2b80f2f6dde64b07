//! One shape of errors, whoever raised them (contract §3). That every other test's errors have it, the harness sees to.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Body;
use http::Method;
use insta::assert_snapshot;
use serde_json::json;
use waypost_core::wire::v1::ErrorCode;
use waypost_server_axum::HttpOptions;

use crate::harness::{Mood, Server, Setup};

#[tokio::test]
async fn a_panic_is_500_and_keeps_its_text_to_itself() {
    let server = Server::start().await;
    let path = server.make_slug("spring").await;
    server.links.set(Mood::Panics);
    let reads = server.get("/v1/links").send().await;
    assert_snapshot!("panic", reads.show());
    let writes = server.patch(&path, &json!({"title": "x"})).send().await;
    let follows = server.follow("/unknown").send().await;
    for reply in [reads, writes, follows] {
        assert_eq!(reply.fault(), (500, "INTERNAL".into()));
        assert!(!reply.text().contains("secret"), "{}", reply.text());
    }
    server.links.set(Mood::Works);
    assert_eq!(server.get(&path).send().await.status, 200, "and life goes on");
}

#[tokio::test]
async fn a_store_that_is_away_is_503_and_its_driver_stays_unnamed() {
    let server = Server::start().await;
    let path = server.make_slug("spring").await;
    server.links.set(Mood::Away);
    let body = json!({"destination": "https://example.com/"});
    let asked = [
        server.get("/v1/links"),
        server.get(&path),
        server.get(&format!("{path}/stats")),
        server.get(&format!("{path}/qr.svg")),
        server.post("/v1/links", &body),
        server.post("/v1/links/bulk", &json!({"items": [body]})),
        server.patch(&path, &json!({"title": "x"})),
        server.delete(&path),
        server.follow("/unknown"),
    ];
    for asking in asked {
        let reply = asking.send().await;
        assert_eq!((reply.fault(), reply.header("retry-after")), ((503, "UNAVAILABLE".into()), "1"));
        for leak in ["driver", "57P03", "/var", "secret"] {
            assert!(!reply.text().contains(leak), "{}", reply.text());
        }
    }
    assert_snapshot!("unavailable", server.get("/v1/links").send().await.show());
}

#[tokio::test(start_paused = true)]
async fn who_takes_too_long_is_told_whose_fault_it_was() {
    let server = Server::start().await;
    server.links.set(Mood::Waits);
    assert_eq!(server.get("/v1/links").send().await.fault(), (504, "UPSTREAM_TIMEOUT".into()));
    let never = Body::from_stream(futures_util::stream::pending::<Result<bytes::Bytes, std::io::Error>>());
    let slow = server.ask(Method::POST, "/v1/links").header("content-type", "application/json").body(never);
    assert_eq!(slow.send().await.fault(), (408, "REQUEST_TIMEOUT".into()));
}

#[tokio::test]
async fn above_the_cap_of_requests_in_flight_503_comes_at_once() {
    let http = HttpOptions { most_in_flight: 1, ..HttpOptions::default() };
    let server = Server::with(Setup { http, ..Setup::default() }).await;
    server.links.set(Mood::Waits);
    let first = tokio::spawn(server.get("/v1/links").send());
    server.links.reached(1).await;
    let refused = server.get("/v1/links").send().await;
    assert_eq!((refused.fault(), refused.header("retry-after")), ((503, "UNAVAILABLE".into()), "1"));
    assert_eq!(server.anonymous(Method::OPTIONS, "/v1/links").send().await.status, 204, "a preflight takes no place");
    server.links.set(Mood::Works);
    assert_eq!(first.await.unwrap().status, 200);
    assert_eq!(server.get("/v1/links").send().await.status, 200, "the place is free again");
}

#[tokio::test]
async fn an_unknown_route_is_an_error_like_any_other() {
    let server = Server::start().await;
    for path in [
        "/v1/nothing",
        "/v1",
        "/v1/links/",
        "/docs/nothing.html",
        "/docs/errors/NOTHING",
        "/oauth/nothing",
        "/assets",
        "/assets/x",
    ] {
        assert_eq!(server.get(path).send().await.fault(), (404, "NOT_FOUND".into()), "{path}");
    }
    assert_snapshot!("no_route", server.get("/v1/nothing").send().await.show());
}

#[tokio::test]
async fn what_is_ready_says_so_and_what_drains_does_not() {
    let server = Server::start().await;
    assert_snapshot!("livez", server.anonymous(Method::GET, "/livez").send().await.show());
    assert_snapshot!("readyz", server.anonymous(Method::GET, "/readyz").send().await.show());
}

/// The codes that answers of this version can have; the others are of the registry, for parts yet to come.
#[tokio::test]
async fn every_code_of_the_document_is_in_the_registry() {
    let document = crate::harness::Document::get();
    let mut told = BTreeSet::new();
    for (path, method, operation) in document.operations() {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let codes =
                response.pointer("/content/application~1json/schema/allOf/1/properties/error/properties/code/enum");
            for code in codes.and_then(|codes| codes.as_array()).into_iter().flatten() {
                let known = ErrorCode::parse(code.as_str().unwrap());
                assert_eq!(
                    known.map(|code| code.status().to_string()).as_ref(),
                    Some(status),
                    "{method} {path}: {code}"
                );
                told.extend(known.map(ErrorCode::as_str));
            }
        }
    }
    for code in
        ["VALIDATION_FAILED", "SLUG_TAKEN", "IDEMPOTENCY_IN_FLIGHT", "INVALID_CURSOR", "RATE_LIMITED", "UNAVAILABLE"]
    {
        assert!(told.contains(code), "{code}");
    }
}

#[tokio::test]
async fn a_wait_that_is_told_is_enough_for_what_was_known_to_be_absent() {
    let server = Server::start().await;
    assert_eq!(server.follow("/soon").send().await.status, 404);
    server.clock.advance(Duration::from_secs(2));
    server.make_slug("soon").await;
    assert_eq!(server.destination("/soon").await, "https://example.com/");
}

//! Which web pages may call (contract §6, §7).

use http::Method;
use insta::assert_snapshot;
use waypost_core::limits::{Algorithm, Policy};
use waypost_server_axum::HttpOptions;

use crate::harness::{Server, Setup};

async fn server() -> Server {
    let http = HttpOptions { cors_origins: vec!["https://app.example".into()], ..HttpOptions::default() };
    Server::with(Setup { http, ..Setup::default() }).await
}

#[tokio::test]
async fn a_preflight_is_answered_without_credentials_from_the_route_table() {
    let server = server().await;
    let preflight = server
        .anonymous(Method::OPTIONS, "/v1/links")
        .header("origin", "https://app.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization, idempotency-key");
    assert_snapshot!("preflight", preflight.send().await.show());
}

#[tokio::test]
async fn an_allowed_page_can_read_answers_and_errors() {
    let server = server().await;
    for path in ["/v1/links", "/v1/nothing", "/v1/links?limit=0"] {
        let reply = server.get(path).header("origin", "https://app.example").send().await;
        assert_eq!(reply.header("access-control-allow-origin"), "https://app.example", "{path}");
        let exposed = reply.header("access-control-expose-headers").to_lowercase();
        for name in [
            "x-ratelimit-limit",
            "x-ratelimit-remaining",
            "x-ratelimit-reset",
            "ratelimit",
            "ratelimit-policy",
            "retry-after",
            "etag",
            "link",
            "location",
            "x-request-id",
            "sunset",
            "deprecation",
            "www-authenticate",
            "idempotent-replayed",
        ] {
            assert!(exposed.split(", ").any(|exposed| exposed == name), "{name}");
        }
        assert!(!reply.has("access-control-allow-credentials"));
    }
    let unknown = server.anonymous(Method::GET, "/v1/links").header("origin", "https://app.example").send().await;
    assert_eq!((unknown.status, unknown.header("access-control-allow-origin")), (401, "https://app.example"));
}

#[tokio::test]
async fn no_other_origin_is_let_in_or_echoed() {
    let server = server().await;
    for origin in [
        "https://evil.example",
        "null",
        "https://app.example.evil.example",
        "http://app.example",
        "https://APP.example",
        "https://app.example:443",
        "*",
    ] {
        let reply = server.get("/v1/links").header("origin", origin).send().await;
        assert!(!reply.has("access-control-allow-origin"), "{origin}");
        let preflight = server
            .anonymous(Method::OPTIONS, "/v1/links")
            .header("origin", origin)
            .header("access-control-request-method", "POST");
        let preflight = preflight.send().await;
        assert!(
            !preflight.has("access-control-allow-origin") && !preflight.has("access-control-allow-methods"),
            "{origin}"
        );
    }
}

#[tokio::test]
async fn an_origin_that_is_none_does_not_start() {
    let server = server().await;
    for origin in ["*", "null", "app.example", "https://app.example/", "https://app.example:443"] {
        let options = HttpOptions { cors_origins: vec![origin.into()], ..HttpOptions::default() };
        assert!(waypost_server_axum::router(server.platform.clone(), options).is_err(), "{origin}");
    }
}

#[tokio::test]
async fn a_page_can_read_that_its_address_is_limited() {
    let minute = std::time::Duration::from_secs(60);
    let http = HttpOptions {
        cors_origins: vec!["https://app.example".into()],
        per_address: Policy::new("address", Algorithm::FixedWindow, 1, minute).unwrap(),
        ..HttpOptions::default()
    };
    let server = Server::with(Setup { http, ..Setup::default() }).await;
    for status in [200, 429] {
        let reply = server.get("/v1/links").header("origin", "https://app.example").send().await;
        assert_eq!((reply.status, reply.header("access-control-allow-origin")), (status, "https://app.example"));
    }
}

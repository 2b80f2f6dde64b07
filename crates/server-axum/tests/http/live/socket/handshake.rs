//! The opening handshake (RFC 6455 §4.2), and what is refused before the connection changes its protocol.

use axum::body::Body;
use http::{Request, Version};
use serde_json::json;
use tower::ServiceExt;
use waypost_server_axum::HttpOptions;

use super::peer::Ground;
use crate::harness::{Server, Setup};

const PATH: &str = "/v1/events/socket";

/// Fields of a handshake, the status of its refusal, and the code.
type Case<'a> = (&'a [(&'a str, &'a str)], u16, &'a str);

#[tokio::test]
async fn a_handshake_is_answered_as_the_standard_says() {
    let ground = Ground::start().await;
    let (mut peer, head) = ground.ask(&[]).await;
    assert_eq!((head.status, head.field("upgrade")), (101, Some("websocket")));
    assert_eq!(head.field("connection").map(str::to_lowercase).as_deref(), Some("upgrade"));
    assert_eq!(head.field("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_eq!((head.field("sec-websocket-protocol"), head.field("sec-websocket-extensions")), (None, None));
    assert!(head.field("x-request-id").is_some());
    peer.say(json!({"type": "ping"})).await;
    assert_eq!(peer.hear().await, json!({"type": "pong"}));
}

#[tokio::test]
async fn headers_that_are_lists_are_read_as_lists() {
    let ground = Ground::start().await;
    let (_peer, head) = ground
        .ask(&[
            ("connection", "keep-alive, UPGRADE"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-protocol", "graphql-ws, waypost.v1"),
            ("sec-websocket-extensions", "permessage-deflate"),
        ])
        .await;
    assert_eq!((head.status, head.field("sec-websocket-protocol")), (101, Some("waypost.v1")));
    assert_eq!(head.field("sec-websocket-extensions"), None, "nothing is compressed");
}

#[tokio::test]
async fn what_is_no_handshake_of_ours_is_refused_in_the_one_shape() {
    let ground = Ground::start().await;
    let cases: [Case<'_>; 16] = [
        (&[("upgrade", "")], 426, "UPGRADE_REQUIRED"),
        (&[("upgrade", "h2c")], 426, "UPGRADE_REQUIRED"),
        (&[("connection", "keep-alive")], 426, "UPGRADE_REQUIRED"),
        (&[("sec-websocket-version", "12")], 426, "UPGRADE_REQUIRED"),
        (&[("sec-websocket-version", "")], 426, "UPGRADE_REQUIRED"),
        (&[("sec-websocket-key", "")], 400, "MALFORMED_REQUEST"),
        (&[("sec-websocket-key", "c2hvcnQ=")], 400, "MALFORMED_REQUEST"),
        (&[("sec-websocket-key", "!!!!SBzYW1wbGUgbm9uY2U=")], 400, "MALFORMED_REQUEST"),
        (&[("sec-websocket-protocol", "graphql-ws")], 400, "MALFORMED_REQUEST"),
        (&[("sec-websocket-protocol", "Waypost.V1")], 400, "MALFORMED_REQUEST"),
        (&[("content-length", "4")], 400, "MALFORMED_REQUEST"),
        (&[("authorization", "")], 401, "UNAUTHENTICATED"),
        (&[("authorization", "Bearer nobody")], 401, "UNAUTHENTICATED"),
        (&[("origin", "https://evil.example")], 403, "FORBIDDEN"),
        (&[("origin", "null")], 403, "FORBIDDEN"),
        (&[("origin", "https://go.example"), ("sec-fetch-site", "cross-site")], 403, "FORBIDDEN"),
    ];
    for (fields, status, code) in cases {
        let (_peer, head) = ground.ask(fields).await;
        assert_eq!(head.status, status, "{fields:?}: {}", head.text);
        assert!(head.text.contains(&format!("\"code\":\"{code}\"")), "{fields:?}: {}", head.text);
        if status == 426 {
            assert_eq!(head.field("upgrade"), Some("websocket"), "{fields:?}");
        }
        let is_version = fields[0].0 == "sec-websocket-version";
        assert_eq!(head.field("sec-websocket-version"), is_version.then_some("13"), "{fields:?}");
    }
    let poor = format!("Bearer {}", ground.server.issue("default", "links:read").await);
    assert_eq!(ground.ask(&[("authorization", &poor)]).await.1.status, 403);
    assert_eq!(ground.server.platform.live.sessions(), 0, "a refusal opens nothing");
    ground.is_well().await;
}

#[tokio::test]
async fn pages_of_ours_and_of_allowed_origins_may_and_who_is_no_page_too() {
    let http = HttpOptions { cors_origins: vec!["https://app.example".to_owned()], ..HttpOptions::default() };
    let ground = Ground::with(http, Setup::default()).await;
    for (origin, status) in [
        ("", 101),
        ("https://go.example", 101),
        ("https://app.example", 101),
        ("https://app.example:8443", 403),
        ("https://app.example.evil.example", 403),
        ("http://go.example", 403),
    ] {
        assert_eq!(ground.ask(&[("origin", origin)]).await.1.status, status, "{origin}");
    }
}

#[tokio::test]
async fn over_http2_it_is_no_upgrade_that_helps() {
    let server = Server::start().await;
    let key = server.issue("default", "events:read").await;
    let ask = async |version| {
        let request = Request::get(format!("https://go.example{PATH}")).version(version);
        let request = request.header("host", "go.example").header("authorization", format!("Bearer {key}"));
        let answer = server.router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        (answer.status().as_u16(), answer.headers().contains_key("upgrade"))
    };
    assert_eq!(ask(Version::HTTP_2).await, (400, false));
    assert_eq!(ask(Version::HTTP_11).await, (426, true));
}

#[tokio::test]
async fn who_asks_for_it_as_for_any_other_thing_is_told_how_to() {
    let ground = Ground::start().await;
    let reply = ground.server.get(PATH).send().await;
    assert_eq!((reply.status, reply.code()), (426, "UPGRADE_REQUIRED".to_owned()));
    assert_eq!((reply.header("upgrade"), reply.header("connection")), ("websocket", "Upgrade"));
    assert_eq!(ground.server.get(&format!("{PATH}?colour=red")).send().await.status, 422);
}

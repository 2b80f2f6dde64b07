//! What of a head goes on, and what does not.

use serde_json::json;
use waypost_server_axum::gateway::client_address::TrustedProxies;
use waypost_server_axum::proxy::forward::{Edge, Rule};

use super::ground::*;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

/// The head that a target got, in lower case.
async fn got(headers: &str) -> String {
    let target = Raw::start(OK).await;
    let gateway = before(&target.running).await;
    assert_eq!(ask(gateway.address, "GET", "/a?b=c", headers, "").await.status, 200);
    target.seen().concat().to_ascii_lowercase()
}

#[tokio::test]
async fn hop_by_hop_headers_and_those_that_connection_names_do_not_go_on() {
    let target = Raw::start(OK).await;
    let gateway = before(&target.running).await;
    let request = "GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close, X-Secret\r\nConnection: x-other\r\n\
                   X-Secret: 1\r\nX-Other: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\n\
                   Proxy-Authorization: Basic eA==\r\nTE: gzip, trailers\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nExpect: 100-continue\r\n\
                   X-Kept: 1\r\n\r\n";
    assert_eq!(send(gateway.address, request).await.status, 200);
    let seen = target.seen().concat().to_ascii_lowercase();
    for gone in ["x-secret", "x-other", "keep-alive", "proxy-", "gzip", "upgrade", "http2-settings", "expect"] {
        assert!(!seen.contains(gone), "{gone} in {seen}");
    }
    assert!(seen.contains("x-kept: 1\r\n") && seen.contains("te: trailers\r\n"), "{seen}");
}

#[tokio::test]
async fn connection_cannot_take_off_what_the_gateway_says() {
    let seen = got("Connection: X-Forwarded-For, Waypost-Principal, Via, X-Forwarded-Host\r\n").await;
    for there in ["x-forwarded-for: 127.0.0.1\r\n", "via: 1.1 waypost\r\n", "x-forwarded-host: shop.example\r\n"] {
        assert!(seen.contains(there), "{there} not in {seen}");
    }
}

#[tokio::test]
async fn a_target_is_told_its_own_host_and_for_whom_it_works() {
    let target = Raw::start(OK).await;
    let gateway = before(&target.running).await;
    ask(gateway.address, "GET", "/a?b=c", "X-Forwarded-For: 1.2.3.4\r\nForwarded: for=1.2.3.4\r\n", "").await;
    let seen = target.seen().concat().to_ascii_lowercase();
    assert!(seen.starts_with("get /a?b=c http/1.1\r\n"), "{seen}");
    assert!(seen.contains(&format!("\r\nhost: {}\r\n", target.running.address)), "{seen}");
    assert_eq!(seen.matches("\r\nhost: ").count(), 1);
    assert!(seen.contains("x-forwarded-for: 127.0.0.1\r\n") && !seen.contains("1.2.3.4"), "{seen}");
    assert!(seen.contains("forwarded: for=127.0.0.1;host=\"shop.example\";proto=http\r\n"), "{seen}");
}

#[tokio::test]
async fn what_a_trusted_proxy_says_is_added_to() {
    let target = Raw::start(OK).await;
    let proxies = TrustedProxies::parse(["127.0.0.0/8"]).expect("a network");
    let edge = Edge { proxies, ..Edge::default() };
    let gateway = gateway(upstream(&[target.running.url()], json!({})), Rule::default(), edge).await;
    ask(gateway.address, "GET", "/", "X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: https\r\n", "").await;
    let seen = target.seen().concat().to_ascii_lowercase();
    assert!(seen.contains("x-forwarded-for: 198.51.100.7, 127.0.0.1\r\n"), "{seen}");
    assert!(seen.contains("x-forwarded-proto: https\r\n"), "{seen}");
}

#[tokio::test]
async fn credentials_and_forged_identities_stay_here() {
    let headers = "Authorization: Bearer wp_live_x\r\nCookie: a=b\r\nWaypost-Principal: forged\r\nwaypost_principal: forged\r\n\
                   X-Waypost-Role: admin\r\nX_User_Id: 1\r\n";
    let seen = got(headers).await;
    for gone in ["authorization", "cookie", "principal", "x-waypost", "user_id", "forged"] {
        assert!(!seen.contains(gone), "{gone} in {seen}");
    }
    let target = Raw::start(OK).await;
    let passing = upstream(&[target.running.url()], json!({"pass_credentials": true}));
    let gateway = gateway(passing, Rule::default(), Edge::default()).await;
    ask(gateway.address, "GET", "/", headers, "").await;
    let seen = target.seen().concat().to_ascii_lowercase();
    assert!(seen.contains("authorization: bearer wp_live_x\r\n") && seen.contains("cookie: a=b\r\n"), "{seen}");
    assert!(!seen.contains("forged"), "{seen}");
}

#[tokio::test]
async fn an_answer_loses_what_is_for_one_hop_and_keeps_the_rest() {
    let target = Raw::start(
        "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n\
         Proxy-Authenticate: Basic\r\nSet-Cookie: a=b\r\nETag: \"1\"\r\n\r\nmine",
    )
    .await;
    let gateway = before(&target.running).await;
    let answer = get(gateway.address, "/").await;
    assert_eq!((answer.status, answer.body.as_str()), (404, "mine"), "the target's errors are its own");
    for gone in ["x-hop", "keep-alive", "proxy-"] {
        assert!(!answer.head.contains(gone), "{gone} in {}", answer.head);
    }
    assert_eq!((answer.header("etag"), answer.header("set-cookie")), (Some("\"1\""), Some("a=b")));
}

#[tokio::test]
async fn a_body_has_one_length_towards_the_target_whatever_the_caller_said() {
    // Both lengths: what reached the gateway as chunked goes on as chunked alone.
    for (framing, body, sent) in [
        ("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n", true),
        ("Transfer-Encoding: chunked\r\nContent-Length: 100\r\n", "3\r\nabc\r\n0\r\n\r\n", true),
        ("Content-Length: 3\r\nContent-Length: 3\r\n", "abc", true),
        ("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd", false),
        ("Transfer-Encoding: xchunked\r\n", "3\r\nabc\r\n0\r\n\r\n", false),
        ("Transfer-Encoding: chunked, identity\r\n", "3\r\nabc\r\n0\r\n\r\n", false),
        ("Content-Length: +3\r\n", "abc", false),
        ("Content-Length : 3\r\n", "abc", false),
        (" folded: x\r\nContent-Length: 3\r\n", "abc", false),
    ] {
        let target = Raw::start(OK).await;
        let gateway = before(&target.running).await;
        let request = format!("POST / HTTP/1.1\r\nHost: a\r\n{framing}Connection: close\r\n\r\n{body}");
        let answer = send(gateway.address, &request).await;
        let seen = target.seen().concat().to_ascii_lowercase();
        if !sent {
            assert!(answer.status == 400 && seen.is_empty(), "{framing:?}: {answer:?}, {seen:?}");
            continue;
        }
        let lengths = seen.matches("content-length: ").count() + seen.matches("transfer-encoding: ").count();
        assert_eq!((answer.status, lengths), (200, 1), "{framing:?}: {seen}");
        assert!(seen.contains("abc"), "{seen}");
    }
}

#[tokio::test]
async fn a_method_that_expects_a_body_says_that_it_has_none() {
    for (method, said) in [("POST", true), ("PUT", true), ("PATCH", true), ("GET", false), ("DELETE", false)] {
        let target = Raw::start(OK).await;
        let gateway = before(&target.running).await;
        ask(gateway.address, method, "/", "", "").await;
        assert_eq!(target.seen().concat().to_ascii_lowercase().contains("content-length: 0\r\n"), said, "{method}");
    }
}

#[tokio::test]
async fn a_path_that_two_servers_could_read_differently_does_not_go_on() {
    let target = Raw::start(OK).await;
    let gateway = before(&target.running).await;
    for path in [
        "/admin;x",
        "/admin%3bx",
        "/%7Ea",
        "/a/../b",
        "/a/%2e%2e/b",
        "/a//b",
        "/a%2fb",
        "/%61dmin",
        "/a/..;/b",
        "/a%00",
    ] {
        let answer = get(gateway.address, path).await;
        assert_eq!(answer.status, 400, "{path}");
    }
    assert!(target.seen().is_empty());
    assert_eq!(get(gateway.address, "/caf%C3%A9%20x?q=..%2f").await.status, 200);
    assert!(target.seen().concat().starts_with("GET /caf%C3%A9%20x?q=..%2f HTTP/1.1\r\n"));
}

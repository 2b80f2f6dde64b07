//! Headers by which a client would be somebody else, somewhere else, or ask for something else.

use http::Method;
use serde_json::json;
use waypost_core::limits::{Algorithm, Policy};
use waypost_server_axum::gateway::client_address::TrustedProxies;
use waypost_server_axum::{HttpOptions, ServeOptions};

use super::wire::{Wire, statuses};

fn get(path: &str, head: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: go.example\r\n{head}connection: close\r\n\r\n")
}

#[tokio::test]
async fn an_address_left_of_the_proxies_is_nobodys() {
    // The peer of these tests is 127.0.0.1.
    for (proxies, head, client) in [
        (&[][..], "x-forwarded-for: 203.0.113.9\r\n", "127.0.0.1"),
        (&["10.0.0.0/8"], "x-forwarded-for: 203.0.113.9\r\n", "127.0.0.1"),
        (&["127.0.0.1"], "x-forwarded-for: 6.6.6.6, 203.0.113.9\r\n", "203.0.113.9"),
        (&["127.0.0.1"], "x-forwarded-for: 6.6.6.6\r\nx-forwarded-for: 203.0.113.9\r\n", "203.0.113.9"),
        (&["127.0.0.1", "10.0.0.0/8"], "x-forwarded-for: 6.6.6.6, 203.0.113.9, 10.1.1.1\r\n", "203.0.113.9"),
        (&["127.0.0.1"], "x_forwarded_for: 6.6.6.6\r\n", "127.0.0.1"),
        (&["127.0.0.1"], "forwarded: for=6.6.6.6\r\nx-real-ip: 6.6.6.6\r\ntrue-client-ip: 6.6.6.6\r\n", "127.0.0.1"),
        (&["127.0.0.1"], "x-forwarded-for: 203.0.113.9, six\r\n", "127.0.0.1"),
    ] {
        let http = HttpOptions { trusted_proxies: TrustedProxies::parse(proxies).unwrap(), ..HttpOptions::default() };
        let wire = Wire::with(http, ServeOptions::default()).await;
        assert_eq!(statuses(&wire.say(get("/livez", head)).await), [200]);
        assert_eq!(statuses(&wire.say(get("/no-such-link", head)).await), [404]);
        for line in wire.lines(2).await {
            assert_eq!(line["client"], client, "{proxies:?} {head:?}");
        }
    }
}

#[tokio::test]
async fn a_forged_address_escapes_no_limit() {
    let minute = std::time::Duration::from_secs(60);
    let per_address = Policy::new("address", Algorithm::FixedWindow, 2, minute).unwrap();
    let wire = Wire::with(HttpOptions { per_address, ..HttpOptions::default() }, ServeOptions::default()).await;
    let mut found = Vec::new();
    for n in 0..4 {
        let head = format!(
            "x-forwarded-for: 198.51.100.{n}\r\nx-real-ip: 198.51.100.{n}\r\nforwarded: for=198.51.100.{n}\r\n"
        );
        found.extend(statuses(&wire.say(get("/livez", &head)).await));
    }
    assert_eq!(found, [200, 200, 429, 429]);
    let lines = wire.lines(4).await;
    assert_eq!(lines[3]["reason"], "limited by \"address\"");
}

#[tokio::test]
async fn an_identity_of_the_clients_own_making_is_worth_nothing_and_is_named_in_the_log() {
    let proxies = TrustedProxies::parse(["127.0.0.1"]).unwrap();
    // Not even from a trusted proxy, and not even where a gateway is trusted: there is no handler yet that believes it.
    for (trusted_proxies, trust_gateway) in
        [(TrustedProxies::default(), false), (proxies.clone(), false), (proxies, true)]
    {
        let http = HttpOptions { trusted_proxies, trust_gateway, ..HttpOptions::default() };
        let wire = Wire::with(http, ServeOptions::default()).await;
        for name in [
            "X-User-Id",
            "X_User_Id",
            "x-user_id",
            "X--User--Id",
            "X-Waypost-Principal",
            "Waypost_Principal",
            "Waypost-Principal",
            "X-Forwarded-User",
            "X-Remote-User",
            "Remote-User",
            "X-Auth-Request-User",
            "X-Authenticated-User",
            "X-Client-Cert",
            "X.Workspace.Id",
        ] {
            let answer = wire.say(get("/v1/links", &format!("{name}: admin\r\n"))).await;
            assert_eq!(statuses(&answer), [401], "{name}: {answer}");
        }
        wire.has_logged("x_user_id").await;
    }
}

#[tokio::test]
async fn another_method_or_path_in_a_header_is_not_heard() {
    let wire = Wire::start().await;
    let link = wire.server.make_slug("kept").await;
    let key = format!("authorization: Bearer {}\r\n", wire.key);
    for name in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "x_http_method_override"] {
        let answer = wire.say(get(&link, &format!("{key}{name}: DELETE\r\n"))).await;
        assert_eq!(statuses(&answer), [200], "{name}: {answer}");
        let answer = wire.say(get(&format!("{link}?_method=DELETE"), &key)).await;
        assert_eq!(statuses(&answer), [422], "a parameter that is not known: {answer}");
    }
    for name in ["X-Original-URL", "X-Rewrite-URL", "X-Original-URI", "X-Forwarded-Uri", "X-Forwarded-Path"] {
        let answer = wire.say(get("/v1/links", &format!("{name}: /livez\r\n"))).await;
        assert_eq!(statuses(&answer), [401], "{name}: {answer}");
    }
    assert_eq!(wire.server.ask(Method::GET, &link).send().await.status, 200, "it is still there");
}

#[tokio::test]
async fn a_host_of_a_proxys_own_header_makes_no_url() {
    let wire = Wire::start().await;
    let body = json!({"destination": "https://example.com/", "slug": "mine"}).to_string();
    let answer = wire
        .say(format!(
            "POST /v1/links HTTP/1.1\r\nhost: evil.example\r\nx-forwarded-host: evil.example\r\nx-forwarded-proto: gopher\r\n\
             authorization: Bearer {}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            wire.key,
            body.len()
        ))
        .await;
    assert_eq!(statuses(&answer), [201], "{answer}");
    assert!(!answer.contains("evil.example") && answer.contains("https://go.example/mine"), "{answer}");
}

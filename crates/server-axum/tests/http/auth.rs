//! Who may do what (contract §3, §9; RFC 6750).

use std::time::Duration;

use http::Method;
use insta::assert_snapshot;
use serde_json::json;
use waypost_core::credentials::{ApiKeyText, Scopes};
use waypost_core::ids::KeyId;

use crate::harness::{Document, Server};

#[tokio::test]
async fn every_route_that_declares_a_scope_demands_it_and_no_other() {
    let server = Server::start().await;
    let scopes = [
        "links:read",
        "links:write",
        "analytics:read",
        "events:read",
        "clients:read",
        "clients:write",
        "members:read",
        "members:write",
    ];
    let mut keys = Vec::new();
    for scope in scopes {
        keys.push((scope, server.issue("default", scope).await));
    }
    for (template, method, operation) in Document::get().operations() {
        let Some(needed) = operation.pointer("/security/0/apiKey/0").and_then(|scope| scope.as_str()) else {
            continue;
        };
        let path = Document::example(template);
        let nobody = server.anonymous(method.clone(), &path).send().await;
        assert_eq!(nobody.fault(), (401, "UNAUTHENTICATED".into()), "{method} {template}");
        assert_eq!(
            nobody.header("www-authenticate"),
            "Bearer realm=\"waypost\"",
            "without an error: nothing was shown"
        );
        for (scope, key) in &keys {
            let reply = server.ask(method.clone(), &path).key(key).send().await;
            if *scope == needed {
                assert!(!matches!(reply.status, 401 | 403), "{method} {template}: {}", reply.text());
            } else {
                assert_eq!(reply.fault(), (403, "INSUFFICIENT_SCOPE".into()), "{method} {template} with {scope}");
                assert!(reply.text().contains(needed), "the scope is named");
                assert!(reply.header("www-authenticate").contains(&format!("scope=\"{needed}\"")));
            }
        }
    }
    let writer = server.get("/v1/links").key(&keys[1].1).send().await;
    assert_snapshot!("insufficient_scope", writer.show());
}

#[tokio::test]
async fn what_is_public_needs_no_key() {
    let server = Server::start().await;
    server.make_slug("no-such-link").await;
    for (template, method, operation) in Document::get().operations() {
        if operation["security"] == json!([]) {
            let reply = server.anonymous(method.clone(), &Document::example(template)).send().await;
            let expected = match template {
                "/{slug}" => 302,
                // Figures need a recorder, which a router alone does not install.
                "/metrics" => 404,
                // These know their callers by the rules of OAuth, and are sent no form here.
                _ if template.starts_with("/oauth/") && method == Method::POST => 415,
                // Without a client to ask for it, nobody is asked.
                "/oauth/authorize" => 400,
                // Nobody signs in where there is no provider.
                "/auth/login" | "/auth/callback" => 404,
                // The page has parts of certain names alone.
                "/assets/{part}" => 404,
                _ => 200,
            };
            assert_eq!(reply.status, expected, "{method} {template}");
        }
    }
}

#[tokio::test]
async fn credentials_that_are_not_good_are_401() {
    let server = Server::start().await;
    let good = server.issue("default", "*").await;
    assert_snapshot!("unauthenticated", server.anonymous(Method::GET, "/v1/links").send().await.show());
    let long = "x".repeat(5_000);
    for bad in [
        "",
        "x",
        "wp_live_",
        &good[..good.len() - 1],
        &format!("{good}x"),
        &good.to_lowercase(),
        &long,
        "a b",
        "../../etc/passwd",
        "' OR 1=1 --",
    ] {
        let reply = server.get("/v1/links").key(bad).send().await;
        assert_eq!(reply.fault(), (401, "UNAUTHENTICATED".into()), "{bad:.20}");
        assert!(reply.header("www-authenticate").contains("error=\"invalid_token\""), "{bad:.20}");
        assert!(bad.len() < 4 || !reply.text().contains(bad), "what was shown is not shown back");
    }
    for value in ["Basic a2V5OmtleQ==", "Bearer", &good, &format!("Token {good}")] {
        let reply = server.anonymous(Method::GET, "/v1/links").header("authorization", value).send().await;
        assert_eq!((reply.status, reply.header("www-authenticate")), (401, "Bearer realm=\"waypost\""), "{value:.20}");
    }
    let scheme = server.anonymous(Method::GET, "/v1/links").header("authorization", &format!("bEARER {good}"));
    assert_eq!(scheme.send().await.status, 200, "the scheme's case does not matter");
    let bytes =
        server.anonymous(Method::GET, "/v1/links").header_bytes("authorization", b"Bearer \xff\xfe").send().await;
    assert_eq!(bytes.status, 401);
}

#[tokio::test]
async fn two_credentials_are_one_too_many_and_a_query_is_no_place_for_one() {
    let server = Server::start().await;
    let good = server.issue("default", "*").await;
    let twice = server.get("/v1/links").header("authorization", &format!("Bearer {good}")).send().await;
    assert_eq!(
        (twice.fault(), twice.faulty()),
        ((400, "MALFORMED_REQUEST".into()), vec!["header.Authorization".into()])
    );
    let query = server.anonymous(Method::GET, &format!("/v1/links?access_token={good}")).send().await;
    assert_eq!(query.status, 401);
}

#[tokio::test]
async fn a_key_that_was_revoked_or_whose_time_is_over_opens_nothing() {
    let server = Server::start().await;
    let credentials = &server.platform.credentials;
    let workspace = credentials.workspace("default").await.unwrap().id;
    let until = "2026-11-20T12:00:10Z".parse().unwrap();
    let passing = credentials.issue(workspace, "passing", Scopes::ALL, Some(until)).await.unwrap();
    let revoked = credentials.issue(workspace, "revoked", Scopes::ALL, None).await.unwrap();
    let (passing_text, revoked_text) = (passing.text.expose(), revoked.text.expose());
    for key in [passing_text, revoked_text] {
        assert_eq!(server.get("/v1/links").key(key).send().await.status, 200);
    }
    credentials.revoke(workspace, revoked.key.id).await.unwrap();
    assert_eq!(server.get("/v1/links").key(revoked_text).send().await.fault(), (401, "UNAUTHENTICATED".into()));
    server.clock.advance(Duration::from_secs(10));
    let expired = server.get("/v1/links").key(passing_text).send().await;
    assert_eq!(expired.fault(), (401, "TOKEN_EXPIRED".into()));
    assert!(expired.header("www-authenticate").contains("invalid_token"));
}

#[tokio::test]
async fn a_key_that_nobody_issued_is_unknown() {
    let server = Server::start().await;
    let id = KeyId::fresh("2026-11-20T12:00:00Z".parse().unwrap(), &*server.platform.entropy);
    let stranger = ApiKeyText::generate(id, &*server.platform.entropy);
    assert_eq!(server.get("/v1/links").key(stranger.expose()).send().await.status, 401);
}

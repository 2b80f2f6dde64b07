//! The token endpoint, and how clients prove who they are (RFC 6749 §2.3, §3.2, §5).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::json;
use waypost_core::limits::{Algorithm, Policy};
use waypost_server_axum::HttpOptions;

use super::parties::{INTROSPECT, REVOKE, TOKEN, partner, program, refusal};
use crate::harness::{Server, Setup};

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

#[tokio::test]
async fn a_client_gets_a_token_for_itself_by_header_or_body() {
    let server = Server::start().await;
    let client = partner(&server, &["links:read", "webhooks:write"]).await;
    let header = server.form(TOKEN, &[GRANT]).header("authorization", &basic(&client.id, &client.secret)).send().await;
    // As a form would encode them, before they are joined.
    let encoded = basic(&client.id.replace('_', "%5F"), &client.secret.replace('_', "%5f"));
    let encoded =
        server.form(TOKEN, &[GRANT, ("client_id", &client.id)]).header("authorization", &encoded).send().await;
    let body = client.ask(&server, TOKEN, &[GRANT, ("scope", ""), ("audience", "ignored")]).send().await;
    for reply in [&header, &encoded, &body] {
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!((reply.header("cache-control"), reply.header("pragma")), ("no-store", "no-cache"));
        let body = reply.json();
        assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(900)));
        assert_eq!(body["scope"], "links:read webhooks:write");
        assert!(body.get("refresh_token").is_none(), "RFC 6749 §4.4.3");
    }
    let less = client.ask(&server, TOKEN, &[GRANT, ("scope", "links:read")]).send().await;
    assert_eq!(less.json()["scope"], "links:read");
    let token = less.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(server.get("/v1/links").key(&token).send().await.status, 200);
}

#[tokio::test]
async fn what_is_not_of_the_form_is_told_in_the_protocols_words() {
    let server = Server::start().await;
    let client = partner(&server, &["links:read"]).await;
    let own = [("client_id", client.id.as_str()), ("client_secret", client.secret.as_str())];
    let with = |more: &[(&'static str, &'static str)]| {
        let all: Vec<_> = own.iter().copied().chain(more.iter().copied()).collect();
        server.form(TOKEN, &all)
    };
    let cases = [
        ("no grant type", with(&[]), (400, "invalid_request")),
        ("an empty one", with(&[("grant_type", "")]), (400, "invalid_request")),
        ("another", with(&[("grant_type", "password")]), (400, "unsupported_grant_type")),
        ("in another case", with(&[("grant_type", "Client_Credentials")]), (400, "unsupported_grant_type")),
        ("twice", with(&[GRANT, GRANT]), (400, "invalid_request")),
        ("an ignored one twice", with(&[GRANT, ("x", "1"), ("x", "2")]), (400, "invalid_request")),
        ("more than it may", with(&[GRANT, ("scope", "links:write")]), (400, "invalid_scope")),
        ("everything", with(&[GRANT, ("scope", "*")]), (400, "invalid_scope")),
        ("a scope of nothing", with(&[GRANT, ("scope", ",")]), (400, "invalid_scope")),
        ("a blank one", with(&[GRANT, ("scope", " ")]), (400, "invalid_scope")),
        ("no scope", with(&[GRANT, ("scope", "root")]), (400, "invalid_scope")),
        ("no code", with(&[("grant_type", "authorization_code")]), (400, "invalid_request")),
        ("no refresh token", with(&[("grant_type", "refresh_token")]), (400, "invalid_request")),
        ("no client", server.form(TOKEN, &[GRANT]), (401, "invalid_client")),
    ];
    for (name, asking, expected) in cases {
        let reply = asking.send().await;
        assert_eq!(refusal(&reply), (expected.0, expected.1.into()), "{name}");
    }
    let json = server.anonymous(Method::POST, TOKEN).json(&json!({"grant_type": "client_credentials"})).send().await;
    assert_eq!(refusal(&json), (415, "invalid_request".into()));
    let large = server.form(TOKEN, &[GRANT, ("x", &"a".repeat(70_000))]).send().await;
    assert_eq!(refusal(&large), (413, "invalid_request".into()));
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        for path in [TOKEN, REVOKE, INTROSPECT] {
            let reply = server.anonymous(method.clone(), path).send().await;
            assert_eq!(refusal(&reply), (405, "invalid_request".into()), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_client_that_does_not_prove_who_it_is_gets_nothing_and_learns_nothing() {
    let server = Server::start().await;
    let client = partner(&server, &["links:read"]).await;
    let other = partner(&server, &["links:read"]).await;
    let gone = partner(&server, &["links:read"]).await;
    assert_eq!(server.delete(&format!("/v1/oauth/clients/{}", gone.id)).send().await.status, 204);
    let by = |id: &str, secret: &str| server.form(TOKEN, &[GRANT]).header("authorization", &basic(id, secret));
    let mut words = Vec::new();
    for asking in [
        by(&client.id, &other.secret),
        by(&client.id, "wrong"),
        by(&client.id, ""),
        by("cli_01JD3X8M2V7Q5T9B4C6E8G0HJK", &client.secret),
        by("nobody", &client.secret),
        by(&gone.id, &gone.secret),
        server.form(TOKEN, &[GRANT, ("client_id", &client.id)]),
    ] {
        let reply = asking.send().await;
        assert_eq!(refusal(&reply), (401, "invalid_client".into()));
        assert!(reply.header("www-authenticate").starts_with("Basic "), "RFC 6749 §5.2");
        words.push(reply.json()["error_description"].clone());
    }
    words.dedup();
    assert_eq!(words.len(), 1, "unknown, wrong and revoked are told alike: {words:?}");
    for value in ["Basic", "Basic !!!", "Basic bm9jb2xvbg==", "Bearer abc", "Digest x"] {
        let reply = server.form(TOKEN, &[GRANT]).header("authorization", value).send().await;
        assert_eq!(refusal(&reply), (401, "invalid_client".into()), "{value}");
    }
}

#[tokio::test]
async fn one_way_to_authenticate_and_never_in_the_url() {
    let server = Server::start().await;
    let client = partner(&server, &["links:read"]).await;
    let header = basic(&client.id, &client.secret);
    let both = client.ask(&server, TOKEN, &[GRANT]).header("authorization", &header).send().await;
    assert_eq!(refusal(&both), (400, "invalid_request".into()));
    let assertion = [GRANT, ("client_assertion_type", "x"), ("client_assertion", "y")];
    let both = client.ask(&server, TOKEN, &assertion).send().await;
    assert_eq!(refusal(&both), (400, "invalid_request".into()));
    let two =
        server.form(TOKEN, &[GRANT]).header("authorization", &header).header("authorization", &header).send().await;
    assert_eq!(refusal(&two), (400, "invalid_request".into()));
    let another = server.form(TOKEN, &[GRANT, ("client_id", "cli_2")]).header("authorization", &header).send().await;
    assert_eq!(refusal(&another), (400, "invalid_request".into()));
    let url = format!("{TOKEN}?client_id={}&client_secret={}", client.id, client.secret);
    let url = server.form(&url, &[GRANT]).send().await;
    assert_eq!(refusal(&url), (400, "invalid_request".into()));
    let public = program(&server, &["links:read"]).await;
    let own = public.ask(&server, TOKEN, &[GRANT]).send().await;
    assert_eq!(refusal(&own), (400, "unauthorized_client".into()), "a public client has no tokens of its own");
}

#[tokio::test]
async fn who_guesses_is_told_to_wait() {
    let failures = Policy::new("failed-logins", Algorithm::SlidingWindow, 3, std::time::Duration::from_secs(60));
    let http = HttpOptions { failures: failures.unwrap(), ..HttpOptions::default() };
    let server = Server::with(Setup { http, ..Setup::default() }).await;
    let client = partner(&server, &["links:read"]).await;
    let guess = || server.form(TOKEN, &[GRANT, ("client_id", &client.id), ("client_secret", "x")]).from("192.0.2.7:1");
    for _ in 0..3 {
        assert_eq!(guess().send().await.status, 401);
    }
    assert_eq!(refusal(&guess().send().await), (429, "temporarily_unavailable".into()));
    let elsewhere = client.ask(&server, TOKEN, &[GRANT]).from("192.0.2.8:1").send().await;
    assert_eq!(elsewhere.status, 200, "nobody else is told to wait");
}

//! Codes: what a person allowed, turned into tokens once (RFC 6749 §4.1, RFC 7636).

use std::time::Duration;

use waypost_core::clock::Clock as _;
use waypost_core::credentials::Scopes;
use waypost_core::grants::Consent;
use waypost_core::members::Role;

use super::forge::part;
use super::parties::{
    BACK, CHALLENGE, TOKEN, VERIFIER, consent, partner, person, program, refusal, register, set_role, tokens,
};
use crate::harness::Server;
use serde_json::json;

#[tokio::test]
async fn a_code_becomes_tokens_of_the_person_within_their_role() {
    let server = Server::start().await;
    for client in [partner(&server, &["links:read", "links:write"]).await, program(&server, &["*"]).await] {
        let viewer = person(&server, &client.id, Role::Viewer).await;
        let code = consent(&server, &client, viewer).await;
        let reply = client.redeem(&server, &code).await;
        let (access, refresh) = tokens(&reply);
        assert!(refresh.starts_with("wp_refresh_"));
        assert_eq!(part(&access, 1)["sub"], viewer.to_string());
        assert!(part(&access, 1)["sid"].is_string());
        assert_eq!(server.get("/v1/links").key(&access).send().await.status, 200);
        let body = json!({"destination": "https://example.com/"});
        let refused = server.post("/v1/links", &body).key(&access).send().await;
        assert_eq!(refused.fault(), (403, "INSUFFICIENT_SCOPE".into()), "a viewer's app writes nothing");
        set_role(&server, viewer, Some(Role::Editor)).await;
        set_role(&server, viewer, None).await;
        let gone = server.get("/v1/links").key(&access).send().await;
        assert_eq!(gone.fault(), (401, "UNAUTHENTICATED".into()), "no member any more");
        assert_eq!(refusal(&client.refresh(&server, &refresh).await), (400, "invalid_grant".into()));
    }
}

#[tokio::test]
async fn a_code_is_worth_nothing_without_all_that_belongs_to_it() {
    let server = Server::start().await;
    let (client, other) = (program(&server, &["links:read"]).await, program(&server, &["links:read"]).await);
    let user = person(&server, "ada", Role::Editor).await;
    let code = consent(&server, &client, user).await;
    let another = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let cases = [
        ("another client", other.redeem(&server, &code).await),
        ("another verifier", client.redeem_with(&server, &code, BACK, another).await),
        ("the challenge as verifier", client.redeem_with(&server, &code, BACK, CHALLENGE).await),
        ("a short verifier", client.redeem_with(&server, &code, BACK, "x").await),
        ("another URI", client.redeem_with(&server, &code, "https://app.example/other", VERIFIER).await),
        ("a URI that goes on", client.redeem_with(&server, &code, &format!("{BACK}/"), VERIFIER).await),
        ("no URI", client.redeem_with(&server, &code, "x", VERIFIER).await),
        ("an invented code", client.redeem(&server, "wp_code_x").await),
        ("cut", client.redeem(&server, &code[..code.len() - 1]).await),
        ("as a refresh token", client.refresh(&server, &code).await),
    ];
    for (name, reply) in cases {
        assert_eq!(refusal(&reply), (400, "invalid_grant".into()), "{name}");
    }
    let form = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", BACK)];
    let without = client.ask(&server, TOKEN, &form).send().await;
    assert_eq!(refusal(&without), (400, "invalid_request".into()), "without PKCE");
    tokens(&client.redeem(&server, &code).await);
}

#[tokio::test]
async fn a_code_that_comes_again_ends_all_that_came_of_it() {
    let server = Server::start().await;
    let client = program(&server, &["links:read"]).await;
    let user = person(&server, "ada", Role::Editor).await;
    let code = consent(&server, &client, user).await;
    let (access, refresh) = tokens(&client.redeem(&server, &code).await);
    let stolen = client.redeem_with(&server, &code, BACK, CHALLENGE).await;
    assert_eq!(stolen.status, 400);
    assert_eq!(server.get("/v1/links").key(&access).send().await.status, 200, "a code alone does no harm");
    assert_eq!(refusal(&client.redeem(&server, &code).await), (400, "invalid_grant".into()));
    assert_eq!(server.get("/v1/links").key(&access).send().await.fault(), (401, "UNAUTHENTICATED".into()));
    assert_eq!(refusal(&client.refresh(&server, &refresh).await), (400, "invalid_grant".into()));
}

#[tokio::test]
async fn of_many_who_show_a_code_at_once_at_most_one_gets_tokens() {
    let server = Server::start().await;
    let client = program(&server, &["links:read"]).await;
    let user = person(&server, "ada", Role::Editor).await;
    let code = consent(&server, &client, user).await;
    let replies = futures_util::future::join_all((0..16).map(|_| client.redeem(&server, &code))).await;
    assert!(replies.iter().filter(|reply| reply.status == 200).count() <= 1);
}

#[tokio::test]
async fn a_code_is_good_for_a_minute() {
    let server = Server::start().await;
    let client = program(&server, &["links:read"]).await;
    let user = person(&server, "ada", Role::Editor).await;
    let (early, late) = (consent(&server, &client, user).await, consent(&server, &client, user).await);
    server.clock.advance(Duration::from_secs(59));
    tokens(&client.redeem(&server, &early).await);
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(refusal(&client.redeem(&server, &late).await), (400, "invalid_grant".into()));
}

/// What was shown is what was allowed: not more, once the person may more.
#[tokio::test]
async fn a_grant_does_not_grow_with_the_role() {
    let server = Server::start().await;
    let client = program(&server, &["links:read", "links:write"]).await;
    let user = person(&server, "ada", Role::Viewer).await;
    let (_, refresh) = tokens(&client.redeem(&server, &consent(&server, &client, user).await).await);
    set_role(&server, user, Some(Role::Editor)).await;
    server.clock.advance(Duration::from_secs(1));
    let reply = client.refresh(&server, &refresh).await;
    assert_eq!((reply.status, &reply.json()["scope"]), (200, &json!("links:read")));
}

#[tokio::test]
async fn a_person_is_asked_for_a_registered_client_and_sent_back_to_a_registered_place() {
    let server = Server::start().await;
    let uris = json!([BACK, "http://127.0.0.1/cb"]);
    let body = json!({"name": "a", "scopes": ["links:read"], "auth": "none", "redirect_uris": uris});
    let client = register(&server, body).await;
    let authorizations = &server.platform.authorizations;
    for uri in [BACK, "http://127.0.0.1/cb", "http://127.0.0.1:53682/cb"] {
        assert!(authorizations.applicant(&client.id, uri).await.is_ok(), "{uri}");
    }
    for uri in
        ["https://app.example/back?x", "https://app.example/BACK", "http://127.0.0.1:1/x", "https://evil.example"]
    {
        assert!(authorizations.applicant(&client.id, uri).await.is_err(), "{uri}");
    }
    let user = person(&server, "ada", Role::Editor).await;
    let elsewhere = server.platform.credentials.workspace("another").await.unwrap().id;
    let stranger = person(&server, "eve", Role::Editor).await;
    server.platform.ports().members.set_role(elsewhere, stranger, Some(Role::Owner), server.clock.now()).await.unwrap();
    set_role(&server, stranger, None).await;
    let good = Consent {
        user,
        client: client.client_id(),
        redirect_uri: BACK,
        challenge: CHALLENGE,
        scopes: Scopes::parse("links:read").unwrap(),
    };
    assert!(authorizations.allow(&good).await.is_ok());
    for (name, bad) in [
        ("no challenge", Consent { challenge: "", ..good.clone() }),
        ("a plain one", Consent { challenge: "plain-text-of-43-characters-is-no-hash-at-all-x", ..good.clone() }),
        ("a member elsewhere", Consent { user: stranger, ..good.clone() }),
        ("more than the client may", Consent { scopes: Scopes::ALL, ..good.clone() }),
        ("another place", Consent { redirect_uri: "https://evil.example/", ..good.clone() }),
    ] {
        assert!(authorizations.allow(&bad).await.is_err(), "{name}");
    }
    server.delete(&format!("/v1/oauth/clients/{}", client.id)).send().await;
    assert!(authorizations.allow(&good).await.is_err(), "a revoked client asks nobody");
}

//! What lasts longer than a request asks again who it is.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::routing::get;
use axum::{Extension, Router, middleware};
use http::{Method, Request};
use serde_json::json;
use tower::ServiceExt;
use waypost_core::Kind;
use waypost_core::clock::Clock;
use waypost_core::credentials::{Actor, Scope, Scopes};
use waypost_core::identity::{Proof, Shown};
use waypost_server_axum::gateway::authentication::{self, Authentication, Evidence};

use super::House;
use crate::harness::{Browser, Server};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What asks again for a holder of this text.
fn proof(server: &Server, text: &str) -> Arc<dyn Proof> {
    server.platform.proof(Shown::bearer(text))
}

async fn fault(proof: &Arc<dyn Proof>) -> Kind {
    proof.ask().await.expect_err("it holds no more").kind()
}

#[tokio::test]
async fn a_key_holds_until_it_ends_or_is_revoked() {
    let server = Server::start().await;
    let credentials = &server.platform.credentials;
    let workspace = credentials.workspace("default").await.unwrap().id;
    let lasting = credentials.issue(workspace, "lasting", Scopes::ALL, None).await.unwrap();
    let end = server.clock.now() + MINUTE;
    let ending = credentials.issue(workspace, "ending", Scopes::ALL, Some(end)).await.unwrap();
    let (one, other) = (proof(&server, lasting.text.expose()), proof(&server, ending.text.expose()));
    let found = one.ask().await.unwrap();
    assert_eq!((found.principal.actor, found.until), (Actor::Key(lasting.key.id), None));
    assert_eq!(other.ask().await.unwrap().until, Some(end));

    server.clock.advance(MINUTE);
    assert_eq!(fault(&other).await, Kind::Expired);
    assert!(one.ask().await.is_ok());
    credentials.revoke(workspace, lasting.key.id).await.unwrap();
    server.clock.advance(SECOND);
    assert_eq!(fault(&one).await, Kind::Unauthenticated);
}

#[tokio::test]
async fn a_token_of_our_own_holds_until_its_end_with_what_its_client_still_may() {
    let server = Server::start().await;
    let made =
        server.post("/v1/oauth/clients", &json!({"name": "feed", "scopes": ["events:read"]})).send().await.json();
    let (id, secret) = (made["client_id"].as_str().unwrap(), made["client_secret"].as_str().unwrap());
    let fields = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
    let token = server.form("/oauth/token", &fields).send().await.json();
    let proof = proof(&server, token["access_token"].as_str().unwrap());
    let found = proof.ask().await.unwrap();
    assert_eq!(found.until, Some(server.clock.now() + 15 * MINUTE));
    assert!(found.principal.require(Scope::EventsRead).is_ok());
    server.clock.advance(15 * MINUTE - SECOND);
    assert!(proof.ask().await.is_ok());
    server.clock.advance(SECOND);
    assert_eq!(fault(&proof).await, Kind::Expired);
}

#[tokio::test]
async fn a_foreign_token_holds_exactly_until_the_moment_that_is_told() {
    let house = House::open().await;
    let token = house.provider.access_token(json!({"scope": "links:read"}));
    let proof = proof(&house.server, &token);
    let until = proof.ask().await.unwrap().until.expect("every token of an issuer ends");
    let left = Duration::try_from(until.duration_since(house.now())).unwrap();
    house.server.clock.advance(left - SECOND);
    assert_eq!(proof.ask().await.unwrap().until, Some(until));
    house.server.clock.advance(SECOND);
    assert_eq!(fault(&proof).await, Kind::Expired);
}

#[tokio::test]
async fn a_session_holds_for_its_thirty_days_or_until_its_person_leaves() {
    let (house, browser) = (House::open().await, Browser::default());
    browser.sign_in(&house.server, &house.provider).await;
    let text = browser.cookie(Browser::SESSION).unwrap();
    let proof = house.server.platform.proof(Shown::session(&text));
    assert_eq!(proof.ask().await.unwrap().until, Some(house.now() + 30 * DAY));
    // The same text is no session where a key is asked for.
    assert_eq!(fault(&house.server.platform.proof(Shown::bearer(&text))).await, Kind::Unauthenticated);
    assert_eq!(browser.ask(&house.server, Method::POST, "/auth/logout").await.status, 204);
    house.server.clock.advance(SECOND);
    assert_eq!(fault(&proof).await, Kind::Unauthenticated);
}

#[tokio::test]
async fn nothing_prints_what_was_shown() {
    let (server, text) = (Server::start().await, "a-key-of-the-operators");
    for shown in [Shown::bearer(text), Shown::session(text)] {
        let evidence = Evidence { shown: shown.clone(), until: None };
        let printed = format!("{evidence:?} {:?}", proof(&server, text));
        assert!(!printed.contains(text), "{printed}");
    }
}

/// What a handler finds of how its caller proved who they are.
async fn found(evidence: Option<Extension<Evidence>>) -> String {
    match evidence {
        Some(Extension(Evidence { shown: Shown::Bearer(text), until })) => format!("bearer {text} until {until:?}"),
        Some(Extension(Evidence { shown: Shown::Session(text), until })) => format!("session {text} until {until:?}"),
        None => "nothing".to_owned(),
    }
}

#[tokio::test]
async fn a_handler_finds_what_was_shown_but_nothing_where_a_gateway_vouched() {
    let (house, browser) = (House::open().await, Browser::default());
    let platform = house.server.platform.clone();
    let authentication = Authentication::new(platform.clone()).vouched_as("node");
    let recognise = middleware::from_fn_with_state(authentication, authentication::recognise);
    let router = Router::new().route("/", get(found)).layer(recognise);
    let ask = async |name: &str, value: &str| {
        let request = Request::get("/").header(name, value).body(Body::empty()).unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        String::from_utf8(to_bytes(answer.into_body(), 4_096).await.unwrap().to_vec()).unwrap()
    };

    let key = house.server.issue("default", "links:read").await;
    assert_eq!(ask("authorization", &format!("Bearer {key}")).await, format!("bearer {key} until None"));
    browser.sign_in(&house.server, &house.provider).await;
    let text = browser.cookie(Browser::SESSION).unwrap();
    let until = Some(house.now() + 30 * DAY);
    assert_eq!(ask("cookie", &format!("{}={text}", Browser::SESSION)).await, format!("session {text} until {until:?}"));
    let who = platform.credentials.authenticate(&key).await.unwrap();
    let word = platform.tokens.vouch(&who, "node", "GET", "/").await.unwrap();
    assert_eq!(ask("waypost-principal", &word).await, "nothing");
}

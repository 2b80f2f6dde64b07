//! What a gateway tells a node about who asks.

use std::time::Duration;

use waypost_core::credentials::{Actor, PlanName, Principal, Scopes};

use super::parties::{default_workspace, partner};
use crate::harness::Server;

#[tokio::test]
async fn a_gateways_word_is_good_for_one_request_and_half_a_minute() {
    let server = Server::start().await;
    let tokens = &server.platform.tokens;
    let client = partner(&server, &["links:read"]).await;
    let who = Principal {
        workspace: default_workspace(&server).await,
        actor: Actor::Client(client.client_id()),
        scopes: Scopes::parse("links:read events:read").unwrap(),
        plan: Some(PlanName::parse("partner").unwrap()),
        traceparent: None,
    };
    let word = tokens.vouch(&who, "links", "GET", "/v1/links").await.unwrap();
    assert_eq!(tokens.accept(&word, "links", "GET", "/v1/links").await.unwrap(), who);
    for (audience, method, path) in
        [("events", "GET", "/v1/links"), ("links", "POST", "/v1/links"), ("links", "GET", "/v1/links/bulk")]
    {
        assert!(tokens.accept(&word, audience, method, path).await.is_err(), "{audience} {method} {path}");
    }
    let refused = server.get("/v1/links").key(&word).send().await;
    assert_eq!(refused.fault(), (401, "UNAUTHENTICATED".into()), "it is no access token");
    let access = client.token(&server).await;
    assert!(tokens.accept(&access, "links", "GET", "/v1/links").await.is_err(), "nor is an access token one of these");
    server.clock.advance(Duration::from_secs(36));
    assert!(tokens.accept(&word, "links", "GET", "/v1/links").await.is_err());
}

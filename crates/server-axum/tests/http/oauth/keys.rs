//! The keys that sign: rotation, other nodes, and a leak.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use waypost_core::clock::Clock;
use waypost_core::layers::RetryOptions;
use waypost_core::links::{DestinationRules, Site};
use waypost_core::tokens::TokenOptions;
use waypost_core::{Platform, PlatformOptions};

use super::forge::part;
use super::parties::partner;
use crate::harness::{PUBLIC_URL, Server};

const PERIOD: i64 = 30 * 24 * 60 * 60;

async fn published(server: &Server) -> Vec<String> {
    let set = server.get("/.well-known/jwks.json").send().await.json();
    set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn signed_with(token: &str) -> String {
    part(token, 0)["kid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_key_is_published_before_it_signs_and_until_its_tokens_are_over() {
    let server = Server::start().await;
    let client = partner(&server, &["links:read"]).await;
    let set: Value = server.get("/.well-known/jwks.json").send().await.json();
    assert!(!set.to_string().contains("\"d\""), "public parts alone");
    let left = PERIOD - server.clock.now().as_second().rem_euclid(PERIOD);
    server.clock.advance(Duration::from_secs(left as u64 - 60));
    let (before, old) = (published(&server).await, client.token(&server).await);
    assert_eq!(before[0], signed_with(&old), "the one that signs stands first");
    server.clock.advance(Duration::from_secs(120));
    let (after, new) = (published(&server).await, client.token(&server).await);
    assert_ne!(signed_with(&old), signed_with(&new));
    assert!(before.contains(&signed_with(&new)) && after.contains(&signed_with(&old)));
    for token in [&old, &new] {
        assert_eq!(server.get("/v1/links").key(token).send().await.status, 200, "neither is lost on the way");
    }
    server.clock.advance(Duration::from_secs(PERIOD as u64));
    assert!(!published(&server).await.contains(&signed_with(&old)), "and then it is gone");
}

/// Another node over the same stores.
async fn node(server: &Server, generation: u32) -> Arc<Platform> {
    let site = Site::new(PUBLIC_URL, &[], DestinationRules::default()).unwrap();
    let tokens = TokenOptions { generation, ..TokenOptions::default() };
    let options = PlatformOptions { retries: RetryOptions::NEVER, tokens, ..PlatformOptions::default() };
    Platform::assemble(server.platform.ports().clone(), site, options).await.unwrap()
}

#[tokio::test]
async fn nodes_share_keys_and_another_generation_voids_what_was_signed_before() {
    let server = Server::start().await;
    let token = partner(&server, &["links:read"]).await.token(&server).await;
    let other = node(&server, 1).await;
    assert!(other.tokens.verify(&token).await.is_ok());
    assert_eq!(other.tokens.published_keys().await.unwrap(), server.platform.tokens.published_keys().await.unwrap());
    let rotated = node(&server, 2).await;
    assert!(rotated.tokens.verify(&token).await.is_err());
}

#[tokio::test]
async fn a_revocation_at_one_node_is_seen_at_the_other_within_a_second() {
    let server = Server::start().await;
    let client = partner(&server, &["links:read"]).await;
    let token = client.token(&server).await;
    let other = node(&server, 1).await;
    assert!(other.tokens.verify(&token).await.is_ok(), "it is remembered there");
    let revoked = server.delete(&format!("/v1/oauth/clients/{}", client.id)).send().await;
    assert_eq!(revoked.status, 204);
    server.clock.advance(Duration::from_secs(1));
    assert!(other.tokens.verify(&token).await.is_err());
    assert_eq!(server.get("/v1/links").key(&token).send().await.fault(), (401, "UNAUTHENTICATED".into()));
}

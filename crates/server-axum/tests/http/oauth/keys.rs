//! The keys that sign: rotation, other nodes, and a leak.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use waypost_core::clock::Clock;
use waypost_core::layers::{Fault, Faulty, Layered, RetryOptions};
use waypost_core::links::{DestinationRules, Site};
use waypost_core::tokens::TokenOptions;
use waypost_core::{Kind, Platform, PlatformOptions, Ports};

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
    node_over(server.platform.ports().clone(), generation).await
}

async fn node_over(ports: Ports, generation: u32) -> Arc<Platform> {
    let site = Site::new(PUBLIC_URL, &[], DestinationRules::default()).unwrap();
    let tokens = TokenOptions { generation, ..TokenOptions::default() };
    let options = PlatformOptions { retries: RetryOptions::NEVER, tokens, ..PlatformOptions::default() };
    Platform::assemble(ports, site, options).await.unwrap()
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
async fn while_the_store_is_away_the_key_that_was_made_ahead_signs() {
    let server = Server::start().await;
    let client = partner(&server, &["links:read"]).await.client_id();
    let client = server.platform.ports().clients.client(client).await.unwrap().unwrap();
    let faulty = Faulty::default();
    let mut ports = server.platform.ports().clone();
    ports.credentials = Arc::new(Layered::new(ports.credentials, faulty.clone()));
    let node = node_over(ports, 1).await;
    let issue = || node.authorizations.for_client(&client, None);
    issue().await.unwrap();
    let before = faulty.calls();
    for _ in 0..3 {
        let issued = issue().await.unwrap();
        node.tokens.verify(&issued.access.text).await.unwrap();
    }
    assert_eq!(faulty.calls(), before, "no request asks the store for keys");
    faulty.always(Fault::Before(Kind::Unavailable));
    server.clock.advance(Duration::from_secs(PERIOD as u64));
    let issued = issue().await.expect("the next key is there");
    node.tokens.verify(&issued.access.text).await.unwrap();
    let asked = faulty.calls();
    issue().await.unwrap();
    assert_eq!(faulty.calls(), asked, "the store is left alone for a while");
    server.clock.advance(Duration::from_secs(30));
    issue().await.unwrap();
    assert!(faulty.calls() > asked, "and asked again");
    server.clock.advance(Duration::from_secs(PERIOD as u64));
    assert!(issue().await.is_err(), "a period later there is none");
    faulty.release();
    issue().await.expect("and when the store is back there is");
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

//! API keys, by the API (contract §9).

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use waypost_core::credentials::{PlanName, Scopes};

use crate::harness::{Reply, Server};

async fn made(server: &Server, body: Value) -> Value {
    let reply = server.post("/v1/api-keys", &body).send().await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()
}

fn text(key: &Value) -> String {
    key["key"].as_str().expect("its text is shown").to_owned()
}

async fn opens(server: &Server, key: &str, path: &str) -> u16 {
    server.get(path).key(key).send().await.status
}

#[tokio::test]
async fn a_key_is_made_shown_once_and_may_what_it_says() {
    let server = Server::start().await;
    let body = json!({"name": "newsletter", "scopes": ["links:read"], "expires_at": "2027-01-01T00:00:00Z"});
    let reply = server.post("/v1/api-keys", &body).send().await;
    assert_eq!((reply.status, reply.header("cache-control")), (201, "no-store"));
    let key = reply.json();
    assert!(reply.header("location").ends_with(&format!("/v1/api-keys/{}", key["id"].as_str().unwrap())));
    assert_eq!(key["scopes"], json!(["links:read"]));
    assert_eq!(opens(&server, &text(&key), "/v1/links").await, 200);
    assert_eq!(opens(&server, &text(&key), "/v1/webhooks").await, 403);
    let listed = server.get("/v1/api-keys").send().await;
    assert!(!listed.text().contains(&text(&key)), "never again");
    let own = listed.json()["data"].as_array().unwrap().iter().find(|one| one["id"] == key["id"]).cloned().unwrap();
    assert_eq!((&own["name"], &own["last_used_at"]), (&json!("newsletter"), &json!("2026-11-20T12:00:00.000000Z")));
    assert_eq!(own, server.get(&path(&key)).send().await.json());
}

fn path(key: &Value) -> String {
    format!("/v1/api-keys/{}", key["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_replay_does_not_show_the_text_again() {
    let server = Server::start().await;
    let ask = || server.post("/v1/api-keys", &json!({"name": "x", "scopes": ["links:read"]})).once("key-1");
    let first = ask().send().await;
    let again = ask().send().await;
    assert!(first.json()["key"].is_string());
    assert_eq!((again.status, again.header("idempotent-replayed")), (201, "true"));
    assert_eq!((&again.json()["id"], &again.json()["key"]), (&first.json()["id"], &Value::Null));
    assert_eq!(server.get("/v1/api-keys").send().await.json()["data"].as_array().unwrap().len(), 2, "one was made");
}

#[tokio::test]
async fn nobody_makes_a_key_that_may_more_than_they() {
    let server = Server::start().await;
    let small =
        text(&made(&server, json!({"name": "small", "scopes": ["keys:write", "keys:read", "links:read"]})).await);
    let ask = |body: Value| server.post("/v1/api-keys", &body).key(&small).send();
    for scopes in [json!(["links:write"]), json!(["*"]), json!(["links:read", "members:write"])] {
        let refused = ask(json!({"name": "big", "scopes": scopes})).await;
        assert_eq!((refused.fault(), refused.faulty()), ((403, "FORBIDDEN".into()), vec!["scopes".into()]));
    }
    assert_eq!(ask(json!({"name": "same", "scopes": ["links:read"]})).await.status, 201);
    let big = made(&server, json!({"name": "big", "scopes": ["*"]})).await;
    let taken = server.post(&format!("{}/rotate", path(&big)), &json!({})).key(&small).send().await;
    assert_eq!(taken.fault(), (403, "FORBIDDEN".into()), "a rotation would show its text");

    let planned = text(&made(&server, json!({"name": "partner", "scopes": ["*"], "plan": "partner"})).await);
    let escape =
        server.post("/v1/api-keys", &json!({"name": "x", "scopes": ["*"], "plan": "free"})).key(&planned).send();
    assert_eq!(escape.await.fault(), (403, "FORBIDDEN".into()));
    let heir = server.post("/v1/api-keys", &json!({"name": "x", "scopes": ["*"]})).key(&planned).send().await;
    assert_eq!(heir.json()["plan"], "partner", "the plan is passed on");
}

#[tokio::test]
async fn a_rotated_key_is_good_for_the_overlap_and_no_longer() {
    let server = Server::start().await;
    let old = made(&server, json!({"name": "shop", "scopes": ["links:read"], "plan": "free"})).await;
    let rotate = |body: Value| server.post(&format!("{}/rotate", path(&old)), &body).send();
    let new = rotate(json!({"overlap": 60})).await;
    assert_eq!(new.status, 201, "{}", new.text());
    let new = new.json();
    assert_eq!((&new["name"], &new["scopes"], &new["plan"]), (&old["name"], &old["scopes"], &old["plan"]));
    assert_ne!(text(&new), text(&old));
    server.clock.advance(Duration::from_secs(59));
    assert_eq!(
        (opens(&server, &text(&old), "/v1/links").await, opens(&server, &text(&new), "/v1/links").await),
        (200, 200)
    );
    server.clock.advance(Duration::from_secs(1));
    let ended = server.get("/v1/links").key(&text(&old)).send().await;
    assert_eq!(ended.fault(), (401, "TOKEN_EXPIRED".into()));
    assert_eq!(opens(&server, &text(&new), "/v1/links").await, 200);
    assert_eq!(rotate(json!({})).await.fault(), (409, "CONFLICT".into()), "what is void is not replaced");
    assert_eq!(rotate(json!({"overlap": 604_801})).await.faulty(), ["overlap"]);
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_from_then_on() {
    let server = Server::start().await;
    let key = made(&server, json!({"name": "x", "scopes": ["*"]})).await;
    assert_eq!(opens(&server, &text(&key), "/v1/links").await, 200);
    for _ in 0..2 {
        assert_eq!(server.delete(&path(&key)).send().await.status, 204, "again changes nothing");
    }
    assert_eq!(opens(&server, &text(&key), "/v1/links").await, 401);
    assert!(server.get(&path(&key)).send().await.json()["revoked_at"].is_string());
}

#[tokio::test]
async fn another_workspaces_keys_are_not_there() {
    let server = Server::start().await;
    let key = made(&server, json!({"name": "x", "scopes": ["*"]})).await;
    let stranger = server.issue("elsewhere", "*").await;
    let as_stranger = |method: Method, path: String| server.ask(method, &path).key(&stranger);
    let rotate = as_stranger(Method::POST, format!("{}/rotate", path(&key))).json(&json!({}));
    let asked: [Reply; 3] = [
        as_stranger(Method::GET, path(&key)).send().await,
        as_stranger(Method::DELETE, path(&key)).send().await,
        rotate.send().await,
    ];
    for reply in asked {
        assert_eq!(reply.fault(), (404, "NOT_FOUND".into()), "{} {}", reply.method, reply.path);
    }
    assert_eq!(opens(&server, &text(&key), "/v1/links").await, 200, "and nothing happened to it");
}

#[tokio::test]
async fn every_fault_of_a_draft_is_told() {
    let server = Server::start().await;
    let ask = |body: Value| server.post("/v1/api-keys", &body).send();
    let all =
        ask(json!({"name": "", "scopes": ["links:fly"], "plan": "gold", "expires_at": "2020-01-01T00:00:00Z", "x": 1}));
    assert_eq!(all.await.faulty(), ["expires_at", "name", "plan", "scopes", "x"]);
    assert_eq!(ask(json!({})).await.faulty(), ["name", "scopes"]);
    for scopes in [json!([]), json!(""), json!(7), json!([1]), json!(["links:fly"]), json!([""])] {
        assert_eq!(ask(json!({"name": "x", "scopes": scopes})).await.faulty(), ["scopes"], "{scopes}");
    }
}

#[tokio::test]
async fn a_key_made_on_the_store_is_on_its_plan() {
    let server = Server::start().await;
    let credentials = &server.platform.credentials;
    let key = made(&server, json!({"name": "x", "scopes": ["links:read"], "plan": "free"})).await;
    let who = credentials.authenticate(&text(&key)).await.unwrap();
    assert_eq!((who.plan, who.scopes), (Some(PlanName::parse("free").unwrap()), Scopes::parse("links:read").unwrap()));
}

//! The clients of a workspace.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::parties::{BACK, Party, TOKEN, partner, register};
use crate::harness::Server;

const GRANT: [(&str, &str); 1] = [("grant_type", "client_credentials")];

#[tokio::test]
async fn a_client_is_registered_read_listed_and_revoked() {
    let server = Server::start().await;
    let body = json!({"name": "partner", "scopes": ["links:read"], "plan": "partner", "redirect_uris": [BACK]});
    let made = server.post("/v1/oauth/clients", &body).send().await;
    assert_eq!((made.status, made.header("cache-control")), (201, "no-store"));
    let mut client = made.json();
    let id = client["client_id"].as_str().unwrap().to_owned();
    assert!(made.header("location").ends_with(&format!("/v1/oauth/clients/{id}")));
    let secret = client.as_object_mut().unwrap().remove("client_secret").unwrap();
    assert!(secret.as_str().unwrap().starts_with("wp_secret_"));
    assert_eq!((&client["plan"], &client["auth"]), (&json!("partner"), &json!("secret")));
    let path = format!("/v1/oauth/clients/{id}");
    let read = server.get(&path).send().await;
    assert_eq!(read.json(), client, "everything but the secret");
    let list = server.get("/v1/oauth/clients").send().await.json();
    assert_eq!(list, json!({"data": [client], "next_cursor": null, "has_more": false}));
    for _ in 0..2 {
        assert_eq!(server.delete(&path).send().await.status, 204, "a second time changes nothing");
    }
    assert_eq!(server.get("/v1/oauth/clients").send().await.json()["data"], json!([]));
    assert!(server.get(&path).send().await.json()["revoked_at"].is_string());
}

#[tokio::test]
async fn every_fault_of_a_draft_is_told() {
    let server = Server::start().await;
    let ed = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let cases: Vec<(Value, &[&str])> = vec![
        (json!({}), &["name", "scopes"]),
        (json!({"name": "", "scopes": []}), &["name", "scopes"]),
        (json!({"name": "a\nb", "scopes": ["root"], "plan": "NO"}), &["name", "plan", "scopes"]),
        (json!({"name": "a".repeat(129), "scopes": "links:read", "x": 1}), &["name", "x"]),
        (json!({"name": "a", "scopes": [7], "auth": "password"}), &["auth", "scopes"]),
        (json!({"name": "a", "scopes": ["links:read"], "auth": "key"}), &["jwks"]),
        (json!({"name": "a", "scopes": ["links:read"], "auth": "secret", "jwks": {"keys": [ed]}}), &["jwks"]),
        (json!({"name": "a", "scopes": ["links:read"], "auth": "none"}), &["redirect_uris"]),
        (json!({"name": "a", "scopes": ["links:read"], "redirect_uris": ["http://a.example"]}), &["redirect_uris"]),
        (json!({"name": "a", "scopes": ["links:read"], "redirect_uris": vec![BACK; 11]}), &["redirect_uris"]),
        (json!({"name": "a", "scopes": ["links:read"], "jwks": {"keys": [{"kty": "oct", "k": "eA"}]}}), &["jwks"]),
        (json!({"name": "a", "scopes": ["links:read"], "jwks": "x"}), &["jwks"]),
    ];
    for (body, fields) in cases {
        let reply = server.post("/v1/oauth/clients", &body).send().await;
        assert_eq!((reply.status, reply.faulty()), (422, fields.iter().map(|&f| f.to_owned()).collect()), "{body}");
    }
}

#[tokio::test]
async fn nobody_gives_a_client_more_than_they_have() {
    let server = Server::start().await;
    let clerk = server.issue("default", "clients:write links:read").await;
    let make = |scopes: Value| server.post("/v1/oauth/clients", &json!({"name": "a", "scopes": scopes})).key(&clerk);
    assert_eq!(make(json!(["links:read"])).send().await.status, 201);
    for more in [json!(["links:write"]), json!(["*"]), json!("links:read members:write")] {
        assert_eq!(make(more).send().await.fault(), (403, "FORBIDDEN".into()));
    }
    let strong = partner(&server, &["links:write"]).await;
    let path = format!("/v1/oauth/clients/{}/secret/rotate", strong.id);
    let taken = server.post(&path, &json!({})).key(&clerk).send().await;
    assert_eq!(taken.fault(), (403, "FORBIDDEN".into()), "a new secret would be a way to more");
}

#[tokio::test]
async fn another_workspaces_client_is_not_there() {
    let server = Server::start().await;
    let client = partner(&server, &["links:read"]).await;
    let stranger = server.issue("another", "*").await;
    let path = format!("/v1/oauth/clients/{}", client.id);
    for (method, path) in [(Method::GET, path.clone()), (Method::DELETE, path.clone())] {
        let reply = server.ask(method, &path).key(&stranger).send().await;
        assert_eq!(reply.fault(), (404, "NOT_FOUND".into()));
    }
    let rotate = server.post(&format!("{path}/secret/rotate"), &json!({})).key(&stranger).send().await;
    assert_eq!(rotate.fault(), (404, "NOT_FOUND".into()));
    assert_eq!(server.get("/v1/oauth/clients").key(&stranger).send().await.json()["data"], json!([]));
    assert_eq!(server.get(&path).send().await.json()["revoked_at"], Value::Null, "nothing was changed");
}

#[tokio::test]
async fn a_secret_is_shown_once_even_to_a_retry() {
    let server = Server::start().await;
    let body = json!({"name": "a", "scopes": ["links:read"]});
    let ask = || server.post("/v1/oauth/clients", &body).once("k1");
    let (first, again) = (ask().send().await, ask().send().await);
    assert_eq!((first.status, again.status, again.header("idempotent-replayed")), (201, 201, "true"));
    assert_eq!(first.json()["client_id"], again.json()["client_id"], "it is one client");
    assert!(first.json()["client_secret"].is_string());
    assert_eq!(again.json()["client_secret"], Value::Null);
    assert!(again.json().as_object().unwrap().contains_key("client_secret"));
    let other = server.post("/v1/oauth/clients", &json!({"name": "b", "scopes": ["*"]})).once("k1").send().await;
    assert_eq!(other.fault(), (422, "IDEMPOTENCY_KEY_REUSED".into()));
}

#[tokio::test]
async fn a_rotation_leaves_time_to_change_over() {
    let server = Server::start().await;
    let old = partner(&server, &["links:read"]).await;
    let path = format!("/v1/oauth/clients/{}/secret/rotate", old.id);
    let rotate = |body: Value| server.post(&path, &body);
    let secret = |reply: &crate::harness::Reply| {
        let secret = reply.json()["client_secret"].as_str().unwrap().to_owned();
        Party { id: old.id.clone(), secret }
    };
    let new = secret(&rotate(json!({"overlap": 60})).send().await);
    for party in [&old, &new] {
        assert_eq!(party.ask(&server, TOKEN, &GRANT).send().await.status, 200);
    }
    server.clock.advance(Duration::from_secs(60));
    assert_eq!(old.ask(&server, TOKEN, &GRANT).send().await.status, 401);
    let third = secret(&rotate(json!({})).send().await);
    rotate(json!({})).send().await;
    let refused = rotate(json!({})).send().await;
    assert_eq!(refused.fault(), (409, "CONFLICT".into()), "three at a time");
    let only = rotate(json!({"overlap": 0})).send().await;
    assert_eq!(only.json()["secrets"].as_array().unwrap().len(), 1);
    for party in [&new, &third] {
        assert_eq!(party.ask(&server, TOKEN, &GRANT).send().await.status, 401, "a leak ends at once");
    }
    assert_eq!(secret(&only).ask(&server, TOKEN, &GRANT).send().await.status, 200);
    for body in [json!({"overlap": 604_801}), json!({"overlap": -1}), json!({"overlap": "1"}), json!({"x": 1})] {
        assert_eq!(rotate(body).send().await.status, 422);
    }
    let public = register(&server, json!({"name": "a", "scopes": "*", "auth": "none", "redirect_uris": [BACK]})).await;
    let none = server.post(&format!("/v1/oauth/clients/{}/secret/rotate", public.id), &json!({})).send().await;
    assert_eq!(none.fault(), (409, "CONFLICT".into()));
}

//! Webhook endpoints, by the API (contract §11).

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use waypost_core::limits::{Algorithm, Plans, Policy, WEBHOOK_REGISTRATIONS};
use waypost_core::webhooks::MOST_ENDPOINTS;

use crate::harness::{Server, Setup};

fn hook() -> Value {
    json!({"url": "https://partner.example/hooks", "events": ["link.created", "link.*"], "description": "orders"})
}

#[tokio::test]
async fn an_endpoint_is_registered_and_its_secret_is_shown_once() {
    let server = Server::start().await;
    let reply = server.post("/v1/webhooks", &hook()).once("w").send().await;
    assert_eq!((reply.status, reply.header("cache-control")), (201, "no-store"), "{}", reply.text());
    let made = reply.json();
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_") && secret.len() == 6 + 44, "32 bytes in base64");
    assert_eq!(made["enabled"], json!(true));
    let again = server.post("/v1/webhooks", &hook()).once("w").send().await;
    assert_eq!((&again.json()["id"], &again.json()["secret"]), (&made["id"], &Value::Null));
    let path = format!("/v1/webhooks/{}", made["id"].as_str().unwrap());
    assert_eq!(reply.header("location"), format!("https://go.example{path}"));
    let read = server.get(&path).send().await;
    assert!(read.json().get("secret").is_none() && !read.text().contains(secret));
    assert_eq!(server.get("/v1/webhooks").send().await.json()["data"], json!([read.json()]));
    assert_eq!(server.delete(&path).send().await.status, 204);
    assert_eq!(server.get(&path).send().await.status, 404);
    assert_eq!(server.delete(&path).send().await.status, 404);
}

#[tokio::test]
async fn another_workspaces_endpoints_are_not_there() {
    let server = Server::start().await;
    let made = server.post("/v1/webhooks", &hook()).send().await.json();
    let path = format!("/v1/webhooks/{}", made["id"].as_str().unwrap());
    let stranger = server.issue("elsewhere", "*").await;
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(server.ask(method, &path).key(&stranger).send().await.fault(), (404, "NOT_FOUND".into()));
    }
    assert_eq!(server.get("/v1/webhooks").key(&stranger).send().await.json()["data"], json!([]));
    assert_eq!(server.get(&path).send().await.status, 200);
}

#[tokio::test]
async fn every_fault_of_a_registration_is_told() {
    let server = Server::start().await;
    let ask = |body: Value| server.post("/v1/webhooks", &body).send();
    assert_eq!(ask(json!({})).await.faulty(), ["events", "url"]);
    let all =
        ask(json!({"url": "http://partner.example", "events": ["link.created", "*.x", 7], "description": 1, "x": 1}));
    assert_eq!(all.await.faulty(), ["description", "events[1]", "events[2]", "url", "x"]);
    for url in ["https://u:p@a.example/", "ftp://a.example", "/hooks", "https://a.example/#x", "https://a b"] {
        assert_eq!(ask(json!({"url": url, "events": ["*"]})).await.faulty(), ["url"], "{url}");
    }
}

#[tokio::test]
async fn a_workspace_has_no_more_endpoints_than_a_bound() {
    let plenty = Policy::new(WEBHOOK_REGISTRATIONS, Algorithm::FixedWindow, 1_000, Duration::from_secs(60)).unwrap();
    let plans = Plans::default().with_common([plenty]);
    let server = Server::with(Setup { plans, ..Setup::default() }).await;
    for _ in 0..MOST_ENDPOINTS {
        assert_eq!(server.post("/v1/webhooks", &hook()).send().await.status, 201);
    }
    assert_eq!(server.post("/v1/webhooks", &hook()).send().await.fault(), (409, "CONFLICT".into()));
}

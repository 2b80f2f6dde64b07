//! Webhook endpoints, by the API, with a receiver that does as it is told (contract §11).

mod changes;
mod deliveries;
mod recovery;
mod registration;
mod secrets;
mod sending;
mod trial;

use serde_json::{Value, json};

use crate::harness::Server;

fn hook() -> Value {
    json!({"url": "https://partner.example/hooks", "events": ["link.created", "link.*"], "description": "orders"})
}

/// Registers an endpoint; gives its path, and its secret.
async fn register(server: &Server, body: &Value) -> (String, String) {
    let reply = server.post("/v1/webhooks", body).send().await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let made = reply.json();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (format!("/v1/webhooks/{}", text("id")), text("secret"))
}

/// The rows of a listing.
async fn rows(server: &Server, path: &str) -> Vec<Value> {
    let reply = server.get(path).send().await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["data"].as_array().unwrap().clone()
}

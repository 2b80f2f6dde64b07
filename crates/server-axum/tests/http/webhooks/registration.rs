//! Registering endpoints, and taking them away again.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use waypost_core::limits::{Algorithm, Plans, Policy, WEBHOOK_REGISTRATIONS};
use waypost_core::webhooks::MOST_ENDPOINTS;

use super::{hook, register};
use crate::harness::{Reply, Server, Setup};

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
async fn an_address_that_can_never_be_called_is_refused_at_once() {
    let server = Server::start().await;
    let mut private = hook();
    private["url"] = json!("https://10.0.0.1/");
    let told = |reply: Reply| {
        assert_eq!(reply.status, 422, "{}", reply.text());
        assert!(reply.text().contains("it is not a public one"), "{}", reply.text());
        assert_eq!(reply.faulty(), ["url"]);
    };
    told(server.post("/v1/webhooks", &private).send().await);
    let (path, _) = register(&server, &hook()).await;
    told(server.patch(&path, &json!({"url": "https://10.0.0.1/"})).send().await);
    assert_eq!(server.get(&path).send().await.json()["url"], hook()["url"]);
    // Without a way to receivers nobody knows.
    let cut_off = Server::with(Setup { is_cut_off: true, ..Setup::default() }).await;
    assert_eq!(cut_off.post("/v1/webhooks", &private).send().await.status, 201);
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
    let all = json!({
        "url": "https://partner.example/",
        "events": ["link.*", "Link", "*"],
        "filter": {"data.x": "one", "id": ["x"], "subject": ["lnk_1"], "data.y": null},
        "headers": {"X-A": 7, "Host": "a", "X-B": "fine", "X-C": null},
        "format": "xml",
        "payload_version": 2,
        "ordering": "strict",
        "rate_limit": 0,
        "concurrency": 1_001,
        "signature": "rsa",
        "enabled": "yes",
        "description": "x".repeat(513),
    });
    let faulty = [
        "concurrency",
        "description",
        "enabled",
        "events[1]",
        "filter.data.x",
        "filter.data.y",
        "filter.id",
        "format",
        "headers.Host",
        "headers.X-A",
        "headers.X-C",
        "ordering",
        "payload_version",
        "rate_limit",
        "signature",
    ];
    assert_eq!(ask(all).await.faulty(), faulty);
    let many: serde_json::Map<_, _> = (0..17).map(|n| (format!("x-{n}"), json!("x"))).collect();
    let body = json!({"url": "https://partner.example/", "events": ["*"], "headers": many, "filter": []});
    assert_eq!(ask(body).await.faulty(), ["filter", "headers"]);
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

#[tokio::test]
async fn everything_that_is_said_of_an_endpoint_is_kept() {
    let server = Server::start().await;
    let said = json!({
        "url": "https://partner.example/hooks?x=1",
        "events": ["link.created", "webhook.*"],
        "filter": {"data.link.domain": ["go.example"], "subject": ["lnk_1", null]},
        "headers": {"x-team": "links"},
        "description": "orders",
        "enabled": false,
        "format": "cloudevents",
        "payload_version": 1,
        "ordering": "subject",
        "rate_limit": 10_000,
        "concurrency": 1,
        "signature": "ed25519",
    });
    let made = server.post("/v1/webhooks", &said).send().await;
    assert_eq!(made.status, 201, "{}", made.text());
    let read = server.get(&format!("/v1/webhooks/{}", made.json()["id"].as_str().unwrap())).send().await.json();
    for (name, value) in said.as_object().unwrap() {
        assert_eq!(read[name], *value, "{name}");
    }
    assert_eq!((&read["disabled_reason"], &read["verified_at"]), (&json!("disabled"), &Value::Null));
    let plain = server.post("/v1/webhooks", &hook()).send().await.json();
    let defaults = json!({"filter": {}, "headers": {}, "format": "waypost", "payload_version": 1, "ordering": "none",
        "rate_limit": null, "concurrency": 64, "signature": "hmac-sha256", "enabled": true, "disabled_reason": null});
    for (name, value) in defaults.as_object().unwrap() {
        assert_eq!(plain[name], *value, "{name}");
    }
}

//! Changing endpoints: merge patches, versions, and coming back from a failure.

use http::Method;
use serde_json::{Value, json};

use super::{hook, register};
use crate::harness::{Answering, Server};

#[tokio::test]
async fn a_patch_changes_what_it_names_and_null_takes_it_back() {
    let server = Server::start().await;
    let mut body = hook();
    body["filter"] = json!({"subject": ["lnk_1"], "data.a": [1]});
    body["headers"] = json!({"X-Team": "links", "X-Env": "test"});
    body["rate_limit"] = json!(5);
    let (path, _) = register(&server, &body).await;
    let patch = json!({"filter": {"subject": null, "data.b": [2]}, "headers": {"X-TEAM": "a", "x-env": null}});
    let changed = server.patch(&path, &patch).send().await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    let changed = changed.json();
    assert_eq!(changed["filter"], json!({"data.a": [1], "data.b": [2]}));
    assert_eq!(changed["headers"], json!({"x-team": "a"}));
    assert_eq!((&changed["rate_limit"], &changed["description"]), (&json!(5), &json!("orders")));
    let nothing = json!({"filter": null, "headers": null, "description": null, "rate_limit": null,
        "concurrency": null, "format": null, "ordering": null, "signature": null, "enabled": null});
    let bare = server.patch(&path, &nothing).send().await.json();
    let expected = json!({"filter": {}, "headers": {}, "description": null, "rate_limit": null, "concurrency": 64,
        "format": "waypost", "ordering": "none", "signature": "hmac-sha256", "enabled": true});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(bare[name], *value, "{name}");
    }
    assert_eq!(server.get(&path).send().await.json(), bare);
}

#[tokio::test]
async fn what_cannot_be_changed_is_refused_with_every_fault() {
    let server = Server::start().await;
    let (path, _) = register(&server, &hook()).await;
    let patch = json!({"url": null, "events": null, "payload_version": 1, "secret": "x", "headers": {"Host": "a"}});
    let reply = server.patch(&path, &patch).send().await;
    assert_eq!(reply.faulty(), ["events", "headers.Host", "payload_version", "secret", "url"]);
    for (from, to) in [(0, 10), (10, 20)] {
        let headers: serde_json::Map<_, _> = (from..to).map(|n| (format!("x-{n}"), json!("x"))).collect();
        let reply = server.patch(&path, &json!({"headers": headers})).send().await;
        let refused = if from == 0 { (200, String::new()) } else { (422, "VALIDATION_FAILED".to_owned()) };
        assert_eq!(reply.fault(), refused, "sixteen headers in all");
    }
}

#[tokio::test]
async fn an_endpoint_has_an_etag_that_grows_with_its_changes() {
    let server = Server::start().await;
    let made = server.post("/v1/webhooks", &hook()).send().await;
    let path = format!("/v1/webhooks/{}", made.json()["id"].as_str().unwrap());
    let first = made.header("etag").to_owned();
    let read = server.get(&path).send().await;
    assert_eq!(read.header("etag"), first);
    let known = server.get(&path).header("if-none-match", &first).send().await;
    assert_eq!((known.status, known.header("etag")), (304, &*first));
    let patch = |tag: &str| server.patch(&path, &json!({"description": "x"})).header("if-match", tag).send();
    let changed = patch(&first).await;
    assert_eq!(changed.status, 200);
    let second = changed.header("etag").to_owned();
    assert_ne!(first, second);
    assert_eq!(patch(&first).await.fault(), (412, "VERSION_MISMATCH".into()));
    let stale = server.patch(&path, &json!({"url": 1})).header("if-match", &first).send().await;
    assert_eq!(stale.fault(), (412, "VERSION_MISMATCH".into()), "told before a faulty field");
    assert_eq!(patch("*").await.status, 200);
    let rotated = server.post(&format!("{path}/secret/rotate"), &json!({})).send().await;
    assert!(rotated.has("etag") && rotated.header("etag") != second);
    assert_eq!(server.get(&path).header("if-none-match", &first).send().await.status, 200);
}

#[tokio::test]
async fn a_keyed_patch_is_made_once() {
    let server = Server::start().await;
    let (path, _) = register(&server, &hook()).await;
    let ask = || server.patch(&path, &json!({"description": "once"})).once("p").send();
    let (first, again) = (ask().await, ask().await);
    assert_eq!((first.status, again.status, again.header("idempotent-replayed")), (200, 200, "true"));
    assert_eq!((first.header("etag"), &first.body), (again.header("etag"), &again.body));
}

#[tokio::test]
async fn of_many_patches_at_once_none_is_lost() {
    let server = Server::start().await;
    let (path, _) = register(&server, &hook()).await;
    let patches = (0..16).map(|n| server.patch(&path, &json!({"headers": {format!("x-{n}"): "x"}})).send());
    for reply in futures_util::future::join_all(patches).await {
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    assert_eq!(server.get(&path).send().await.json()["headers"].as_object().unwrap().len(), 16);
}

#[tokio::test]
async fn another_address_has_to_be_proved_anew() {
    let server = Server::start().await;
    let (path, _) = register(&server, &hook()).await;
    server.receiver.set(Answering::Proves);
    let proof = server.ask(Method::POST, &format!("{path}/verify")).send().await;
    assert_eq!(proof.json()["verified"], json!(true), "{}", proof.text());
    let verified = |reply: crate::harness::Reply| reply.json()["verified_at"].clone();
    let at = verified(server.get(&path).send().await);
    assert!(at.is_string());
    let same = json!({"url": "https://partner.example/hooks", "description": "x"});
    assert_eq!(verified(server.patch(&path, &same).send().await), at, "it is the same address");
    let other = server.patch(&path, &json!({"url": "https://partner.example/other"})).send().await;
    assert_eq!(verified(other), Value::Null);
}

//! Dead letters, and what was never sent.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use waypost_core::WebhookOptions;
use waypost_core::webhooks::RETRIES;

use super::sending::Line;
use super::{hook, register, rows};
use crate::harness::{Answering, Reply, Server, Setup, header};

const LONG_AGO: &str = "2026-11-01T00:00:00Z";

async fn statuses(server: &Server, path: &str) -> Vec<String> {
    let rows = rows(server, &format!("{path}/deliveries")).await;
    rows.iter().map(|row| row["status"].as_str().unwrap().to_owned()).collect()
}

async fn accepted(server: &Server, path: &str, body: &Value) -> Value {
    let reply = server.post(path, body).send().await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    reply.json()
}

/// An endpoint that answered 410 to one delivery: a dead letter, and disabled.
async fn dead(server: &Server, line: &mut Line) -> String {
    let (path, _) = register(server, &hook()).await;
    server.receiver.set(Answering::With(410, "gone".to_owned()));
    server.make(json!({"destination": "https://example.com/"})).await;
    line.run(server).await;
    server.receiver.set(Answering::Ok);
    server.receiver.take();
    assert_eq!(statuses(server, &path).await, ["failed"]);
    path
}

#[tokio::test]
async fn what_failed_ten_times_is_a_dead_letter_and_is_delivered_once_it_is_recovered() {
    let server = Server::start().await;
    let mut line = Line::of(&server);
    let (path, _) = register(&server, &hook()).await;
    server.receiver.set(Answering::Refuses);
    server.make(json!({"destination": "https://example.com/"})).await;
    line.run(&server).await;
    for wait in RETRIES {
        assert_eq!(statuses(&server, &path).await, ["waiting"]);
        server.clock.advance(wait.mul_f64(1.2));
        line.run(&server).await;
    }
    let calls = server.receiver.take();
    assert_eq!(calls.len(), 10);
    assert!(calls.iter().all(|call| header(call, "webhook-id") == header(&calls[0], "webhook-id")), "one id for all");
    let listed = rows(&server, &format!("{path}/deliveries?status=failed")).await;
    let delivery = format!("{path}/deliveries/{}", listed[0]["id"].as_str().unwrap());
    let read = server.get(&delivery).send().await.json();
    assert_eq!((&read["reason"], &read["attempt_count"]), (&json!("10 calls failed"), &json!(10)));
    let numbers: Vec<_> = read["attempts"].as_array().unwrap().iter().map(|it| it["number"].clone()).collect();
    assert_eq!(numbers, (1..=10).map(Value::from).collect::<Vec<_>>());
    assert!(read["attempts"].as_array().unwrap().iter().all(|it| it["error"] == "refused" && it["status"].is_null()));
    let warned = rows(&server, "/v1/events?types=webhook.failing").await;
    assert_eq!(warned.len(), 2, "after a day, and after three");
    server.receiver.set(Answering::Ok);
    let recover = format!("{path}/recover");
    let none = accepted(&server, &recover, &json!({"since": LONG_AGO, "errors": ["timeout"]})).await;
    assert_eq!(none, json!({"retried": 0, "has_more": false}));
    let one = json!({"since": LONG_AGO, "types": ["link.created", "link.updated"], "errors": ["refused", "dns"]});
    assert_eq!(accepted(&server, &recover, &one).await, json!({"retried": 1, "has_more": false}));
    assert_eq!(statuses(&server, &path).await, ["waiting"]);
    // Three days of failures have opened nothing: there were ten of them.
    server.clock.advance(Duration::from_secs(1));
    line.run(&server).await;
    let read = server.get(&delivery).send().await.json();
    assert_eq!((&read["status"], &read["attempt_count"]), (&json!("delivered"), &json!(11)));
    assert_eq!((&read["last_attempt"]["number"], &read["reason"]), (&json!(1), &Value::Null));
}

#[tokio::test]
async fn nothing_is_owed_again_to_an_endpoint_that_is_disabled() {
    let server = Server::start().await;
    let mut line = Line::of(&server);
    let path = dead(&server, &mut line).await;
    let id = rows(&server, &format!("{path}/deliveries")).await[0]["id"].as_str().unwrap().to_owned();
    let retry = format!("{path}/deliveries/{id}/retry");
    let since = json!({"since": LONG_AGO});
    let refused = |reply: Reply| {
        assert_eq!(reply.fault(), (409, "CONFLICT".into()));
        assert!(reply.text().contains("enable it first"), "{}", reply.text());
    };
    refused(server.ask(Method::POST, &retry).send().await);
    refused(server.post(&format!("{path}/recover"), &since).send().await);
    refused(server.post(&format!("{path}/replay"), &since).send().await);
    server.clock.advance(Duration::from_secs(5));
    server.patch(&path, &json!({"enabled": true})).send().await;
    let ask = || server.ask(Method::POST, &retry).once("again").send();
    let retried = ask().await;
    assert_eq!((retried.status, &retried.json()["status"]), (202, &json!("waiting")), "{}", retried.text());
    line.run(&server).await;
    assert_eq!(statuses(&server, &path).await, ["delivered"]);
    assert_eq!((ask().await.body, server.receiver.take().len()), (retried.body, 1), "a replay asks for nothing");
    // No two calls of a delivery are made at one moment.
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(server.ask(Method::POST, &retry).send().await.status, 202, "whatever its state");
    line.run(&server).await;
    assert_eq!(server.receiver.take().len(), 1);
}

#[tokio::test]
async fn what_happened_while_an_endpoint_was_disabled_is_replayed_once() {
    let server = Server::start().await;
    let mut line = Line::of(&server);
    let link = server.make_slug("before").await;
    server.clock.advance(Duration::from_secs(3_600));
    let mut off = hook();
    (off["enabled"], off["events"]) = (json!(false), json!(["link.created"]));
    let (path, _) = register(&server, &off).await;
    server.make_slug("meanwhile").await;
    server.patch(&link, &json!({"title": "not asked for"})).send().await;
    line.run(&server).await;
    server.patch(&path, &json!({"enabled": true})).send().await;
    server.make_slug("after").await;
    line.run(&server).await;
    assert_eq!(server.receiver.take().len(), 1);
    let replay = format!("{path}/replay");
    let begun = server.platform.clock.now().to_string();
    let only = accepted(&server, &replay, &json!({"since": begun})).await;
    assert_eq!(only, json!({"created": 1, "next_cursor": null, "has_more": false}));
    line.run(&server).await;
    let sent: Value = serde_json::from_slice(&server.receiver.take()[0].body).unwrap();
    assert_eq!(sent["data"]["link"]["slug"], json!("meanwhile"));
    let before = json!({"since": LONG_AGO, "until": begun});
    assert_eq!(accepted(&server, &replay, &before).await["created"], json!(1), "back before the registration");
    assert_eq!(accepted(&server, &replay, &json!({"since": LONG_AGO})).await["created"], json!(0), "each once");
}

#[tokio::test]
async fn a_replay_reaches_back_no_further_than_deliveries_are_kept() {
    const DAY: Duration = Duration::from_secs(86_400);
    let webhooks = WebhookOptions { keep: 2 * DAY, ..WebhookOptions::default() };
    let server = Server::with(Setup { webhooks, ..Setup::default() }).await;
    let mut line = Line::of(&server);
    let (path, _) = register(&server, &hook()).await;
    server.make_slug("delivered").await;
    line.run(&server).await;
    assert_eq!(statuses(&server, &path).await, ["delivered"]);
    server.clock.advance(4 * DAY);
    let mut retention = server.engine("webhook_retention");
    retention.step(server.platform.clock.now()).await.unwrap();
    assert!(statuses(&server, &path).await.is_empty(), "it is forgotten");
    let replayed = accepted(&server, &format!("{path}/replay"), &json!({"since": LONG_AGO})).await;
    assert_eq!(replayed, json!({"created": 0, "next_cursor": null, "has_more": false}));
}

#[tokio::test]
async fn a_long_replay_goes_on_from_its_cursor() {
    let server = Server::start().await;
    let items: Vec<_> = (0..1_000).map(|_| json!({"destination": "https://example.com/"})).collect();
    let mut relay = server.engine("relay");
    for _ in 0..11 {
        let reply = server.post("/v1/links/bulk", &json!({"items": items, "atomic": true})).send().await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        while relay.step(server.platform.clock.now()).await.unwrap() == waypost_core::engine::Next::Now {}
    }
    let (path, _) = register(&server, &hook()).await;
    let replay = format!("{path}/replay");
    let first = accepted(&server, &replay, &json!({"since": LONG_AGO})).await;
    assert_eq!((&first["created"], &first["has_more"]), (&json!(10_000), &json!(true)));
    let cursor = first["next_cursor"].as_str().unwrap();
    let other = json!({"since": "2026-11-02T00:00:00Z", "cursor": cursor});
    assert_eq!(server.post(&replay, &other).send().await.fault(), (400, "INVALID_CURSOR".into()));
    let rest = accepted(&server, &replay, &json!({"since": LONG_AGO, "cursor": cursor})).await;
    assert_eq!((&rest["created"], &rest["next_cursor"]), (&json!(1_000), &Value::Null));
}

#[tokio::test]
async fn every_fault_of_what_is_asked_again_is_told() {
    let server = Server::start().await;
    let (path, _) = register(&server, &hook()).await;
    let ask = |what: &str, body: Value| server.post(&format!("{path}/{what}"), &body).send();
    assert_eq!(ask("recover", json!({})).await.faulty(), ["since"]);
    let all =
        json!({"since": "yesterday", "until": 1, "types": ["Link", "link.created", 7], "errors": ["oops"], "x": 1});
    assert_eq!(ask("recover", all).await.faulty(), ["errors[0]", "since", "types[0]", "types[2]", "until", "x"]);
    let turned = json!({"since": "2026-11-02T00:00:00Z", "until": "2026-11-01T00:00:00Z"});
    assert_eq!(ask("recover", turned.clone()).await.faulty(), ["until"]);
    assert_eq!(ask("replay", turned).await.faulty(), ["until"]);
    assert_eq!(ask("replay", json!({"types": []})).await.faulty(), ["since", "types"]);
}

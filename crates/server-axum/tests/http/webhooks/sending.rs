//! From a change to the receiver, with every engine on the way stepped by hand.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::Method;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Value, json};
use waypost_core::engine::{Engine, Next};
use waypost_core::webhooks::{WebhookCall, WebhookSecret, sign, signed_content};

use super::{hook, register, rows};
use crate::harness::{Answering, Server, header};

/// The engines between a change and a receiver.
pub(super) struct Line {
    relay: Box<dyn Engine>,
    fanout: Box<dyn Engine>,
    dispatcher: Box<dyn Engine>,
}

impl Line {
    pub(super) fn of(server: &Server) -> Self {
        let [relay, fanout, dispatcher] =
            ["relay", "webhook_fanout", "webhook_dispatcher"].map(|name| server.engine(name));
        Self { relay, fanout, dispatcher }
    }

    /// Lets each do what there is to do now, and calls end.
    pub(super) async fn run(&mut self, server: &Server) {
        for _ in 0..3 {
            for engine in [&mut self.relay, &mut self.fanout] {
                while engine.step(server.platform.clock.now()).await.unwrap() == Next::Now {}
            }
            for _ in 0..4 {
                self.dispatcher.step(server.platform.clock.now()).await.unwrap();
                // Calls are tasks of their own, on this thread.
                for _ in 0..8 {
                    tokio::task::yield_now().await;
                }
            }
        }
    }
}

fn body(call: &WebhookCall) -> Value {
    serde_json::from_slice(&call.body).unwrap()
}

#[tokio::test]
async fn a_new_link_reaches_its_receiver_signed() {
    let server = Server::start().await;
    let (path, secret) = register(&server, &hook()).await;
    let mut line = Line::of(&server);
    let link = server.make(json!({"destination": "https://example.com/", "slug": "spring"})).await;
    line.run(&server).await;
    let calls = server.receiver.take();
    assert_eq!(calls.len(), 1);
    let (call, sent) = (&calls[0], body(&calls[0]));
    assert_eq!((&sent["event"], &sent["data"]["link"]["id"]), (&json!("link.created"), &link["id"]));
    assert_eq!(header(call, "content-type"), "application/json");
    let content = signed_content(header(call, "webhook-id"), server.platform.clock.now(), &call.body);
    assert_eq!(header(call, "webhook-signature"), sign(&WebhookSecret::parse(&secret).unwrap(), &content));
    let listed = rows(&server, &format!("{path}/deliveries")).await;
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0]["status"], &listed[0]["attempt_count"]), (&json!("delivered"), &json!(1)));
    assert_eq!((&listed[0]["event_id"], &listed[0]["subject"]), (&sent["id"], &link["id"]));
    let read = server.get(&format!("{path}/deliveries/{}", listed[0]["id"].as_str().unwrap())).send().await.json();
    assert_eq!(read["attempts"].as_array().unwrap().len(), 1);
    let trace = read["attempts"][0]["traceparent"].as_str().unwrap();
    assert_eq!((trace, &trace[..35]), (header(call, "traceparent"), &sent["traceparent"].as_str().unwrap()[..35]));
    let stats = server.get(&format!("{path}/stats")).send().await.json();
    assert_eq!((&stats["attempts"], &stats["success_rate"]), (&json!(1), &json!(1.0)));
    assert_eq!((&stats["latency"]["p50_ms"], &stats["since"]), (&json!(5), &json!("2026-11-19T12:00:00.000000Z")));
}

#[tokio::test]
async fn a_filter_and_a_disabled_endpoint_keep_events_away() {
    let server = Server::start().await;
    let mut filtered = hook();
    filtered["filter"] = json!({"data.link.tags": ["mail"]});
    let (filtered, _) = register(&server, &filtered).await;
    let mut off = hook();
    off["enabled"] = json!(false);
    let (off, _) = register(&server, &off).await;
    server.make(json!({"destination": "https://example.com/", "tags": ["mail", "x"]})).await;
    server.make(json!({"destination": "https://example.com/", "tags": ["x"]})).await;
    Line::of(&server).run(&server).await;
    assert_eq!(rows(&server, &format!("{filtered}/deliveries")).await.len(), 1);
    assert_eq!(rows(&server, &format!("{off}/deliveries")).await.len(), 0);
}

#[tokio::test]
async fn a_cloud_event_is_one_by_its_own_standard() {
    let server = Server::start().await;
    let mut wanted = hook();
    wanted["format"] = json!("cloudevents");
    register(&server, &wanted).await;
    let link = server.make(json!({"destination": "https://example.com/"})).await;
    Line::of(&server).run(&server).await;
    let call = server.receiver.take().pop().unwrap();
    assert_eq!(header(&call, "content-type"), "application/cloudevents+json; charset=utf-8");
    let sent = body(&call);
    assert_eq!((&sent["specversion"], &sent["type"]), (&json!("1.0"), &json!("link.created")));
    assert_eq!((&sent["subject"], sent["id"].as_str().unwrap()), (&link["id"], header(&call, "webhook-id")));
    assert_eq!(sent["data"]["link"]["id"], link["id"]);
}

#[tokio::test]
async fn an_ed25519_signature_is_good_by_the_published_key() {
    let server = Server::start().await;
    let mut wanted = hook();
    wanted["signature"] = json!("ed25519");
    let (path, _) = register(&server, &wanted).await;
    server.ask(Method::POST, &format!("{path}/test")).send().await;
    let call = server.receiver.take().pop().unwrap();
    let signatures: Vec<_> = header(&call, "webhook-signature").split(' ').collect();
    assert!(signatures.len() == 2 && signatures[0].starts_with("v1,"), "{signatures:?}");
    let signature = STANDARD.decode(signatures[1].strip_prefix("v1a,").unwrap()).unwrap();
    let content = signed_content(header(&call, "webhook-id"), server.platform.clock.now(), &call.body);
    let published = server.anonymous(Method::GET, "/.well-known/webhook-keys.json").send().await;
    assert_eq!((published.status, published.header("cache-control")), (200, "public, max-age=300"));
    let keys = published.json()["keys"].as_array().unwrap().clone();
    assert_eq!(keys.len(), 3, "this period's first, and those beside it");
    assert!(keys.iter().all(|key| key.get("d").is_none() && key["kty"] == "OKP"));
    let x = URL_SAFE_NO_PAD.decode(keys[0]["x"].as_str().unwrap()).unwrap();
    assert_eq!(keys[0]["standard_webhooks"], json!(format!("whpk_{}", STANDARD.encode(&x))));
    let key = DecodingKey::from_ed_der(&x);
    let verify = |content: &[u8]| {
        let verifier = (DEFAULT_PROVIDER.verifier_factory)(&Algorithm::EdDSA, &key).unwrap();
        verifier.verify(content, &signature).is_ok()
    };
    assert!(verify(&content) && !verify(&[&content[..], b" "].concat()));
    let tokens = server.anonymous(Method::GET, "/.well-known/jwks.json").send().await;
    assert!(!tokens.text().contains(keys[0]["x"].as_str().unwrap()), "tokens are signed with other keys");
}

#[tokio::test]
async fn owners_are_warned_by_their_other_endpoints_and_the_feed() {
    let server = Server::start().await;
    let mut line = Line::of(&server);
    let (path, _) = register(&server, &json!({"url": "https://gone.example/", "events": ["link.*"]})).await;
    server.receiver.set(Answering::With(410, String::new()));
    server.make(json!({"destination": "https://example.com/"})).await;
    line.run(&server).await;
    let read = server.get(&path).send().await.json();
    assert_eq!((&read["enabled"], &read["disabled_reason"]), (&json!(false), &json!("gone")));
    let events = rows(&server, "/v1/events?types=webhook.disabled").await;
    assert_eq!((events.len(), &events[0]["data"]["webhook"]["id"]), (1, &read["id"]));
    assert_eq!(events[0]["data"]["webhook"].get("secret"), None);
    let off = server.patch(&path, &json!({"enabled": false})).send().await.json();
    assert_eq!(off["disabled_reason"], json!("gone"), "why it was disabled is not forgotten");
    server.receiver.set(Answering::Ok);
    let on = server.patch(&path, &json!({"enabled": true})).send().await.json();
    assert_eq!((&on["enabled"], &on["disabled_reason"]), (&json!(true), &Value::Null));
    server.receiver.take();
    server.make(json!({"destination": "https://example.com/"})).await;
    line.run(&server).await;
    assert_eq!(server.receiver.take().len(), 1, "it gets what happens from now on");
}

#[tokio::test]
async fn an_endpoint_that_was_mended_begins_anew() {
    let server = Server::start().await;
    let mut line = Line::of(&server);
    let (path, _) = register(&server, &hook()).await;
    server.receiver.set(Answering::With(500, String::new()));
    for _ in 0..40 {
        server.make(json!({"destination": "https://example.com/"})).await;
    }
    line.run(&server).await;
    let tried = server.receiver.take().len();
    assert!((20..40).contains(&tried), "the circuit is open: {tried}");
    server.clock.advance(Duration::from_secs(300));
    line.run(&server).await;
    assert_eq!(server.receiver.take().len(), 1, "half open: one call to see");
    server.patch(&path, &json!({"enabled": true})).send().await;
    server.clock.advance(Duration::from_secs(300));
    line.run(&server).await;
    assert!(server.receiver.take().len() >= 8, "what was noted before the change is forgotten");
}

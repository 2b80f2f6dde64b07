//! Calls to try an endpoint.

use http::Method;
use serde_json::{Value, json};

use super::{hook, register, rows};
use crate::harness::{Answering, Server, Setup, header};

async fn post(server: &Server, path: &str) -> Value {
    let reply = server.ask(Method::POST, path).send().await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

#[tokio::test]
async fn a_test_is_sent_at_once_whatever_the_state_and_recorded_nowhere() {
    let server = Server::start().await;
    let mut body = hook();
    (body["enabled"], body["headers"]) = (json!(false), json!({"x-team": "links"}));
    let (path, _) = register(&server, &body).await;
    let told = post(&server, &format!("{path}/test")).await;
    assert_eq!((&told["delivered"], &told["attempt"]["status"]), (&json!(true), &json!(200)));
    let call = server.receiver.take().pop().unwrap();
    let sent: Value = serde_json::from_slice(&call.body).unwrap();
    assert_eq!((&sent["event"], &sent["data"]["webhook"]["id"]), (&json!("webhook.test"), &json!(path[13..])));
    assert_eq!((header(&call, "webhook-id"), header(&call, "x-team")), (sent["id"].as_str().unwrap(), "links"));
    assert_eq!(call.target.as_str(), "https://partner.example/hooks");
    server.receiver.set(Answering::With(500, "no such table: orders".to_owned()));
    let told = post(&server, &format!("{path}/test")).await;
    assert_eq!(told["delivered"], json!(false));
    let attempt = &told["attempt"];
    assert_eq!((&attempt["number"], &attempt["status"], &attempt["error"]), (&json!(1), &json!(500), &json!("status")));
    assert_eq!(attempt["response"], json!("no such table: orders"));
    server.receiver.set(Answering::Refuses);
    let told = post(&server, &format!("{path}/test")).await;
    assert_eq!((&told["attempt"]["status"], &told["attempt"]["error"]), (&Value::Null, &json!("refused")));
    server.run_engines().await;
    assert!(rows(&server, &format!("{path}/deliveries")).await.is_empty());
    assert!(rows(&server, "/v1/events").await.is_empty());
    assert_eq!(server.get(&format!("{path}/stats")).send().await.json()["attempts"], json!(0));
}

#[tokio::test]
async fn a_keyed_test_is_sent_once() {
    let server = Server::start().await;
    let (path, _) = register(&server, &hook()).await;
    let ask = || server.ask(Method::POST, &format!("{path}/test")).once("t").send();
    let (first, again) = (ask().await, ask().await);
    assert_eq!((&first.body, again.header("idempotent-replayed")), (&again.body, "true"));
    assert_eq!(server.receiver.take().len(), 1);
}

#[tokio::test]
async fn an_endpoint_proves_to_be_its_owners_by_giving_the_challenge_back() {
    let server = Server::start().await;
    for (answering, is_proven) in [
        (Answering::Ok, false),
        (Answering::With(200, "{\"challenge\": \"another\"}".to_owned()), false),
        (Answering::With(404, String::new()), false),
        (Answering::Refuses, false),
        (Answering::Proves, true),
        (Answering::Echoes, true),
    ] {
        let (path, _) = register(&server, &hook()).await;
        server.receiver.set(answering.clone());
        let told = post(&server, &format!("{path}/verify")).await;
        assert_eq!(told["verified"], json!(is_proven), "{answering:?}");
        let sent: Value = serde_json::from_slice(&server.receiver.take()[0].body).unwrap();
        assert_eq!(sent["event"], json!("webhook.challenge"));
        assert!(sent["data"]["challenge"].as_str().unwrap().len() >= 43, "256 bits");
        let read = server.get(&path).send().await.json();
        assert_eq!(read["verified_at"].is_string(), is_proven, "{answering:?}");
    }
}

#[tokio::test]
async fn without_a_way_to_receivers_nothing_is_tried() {
    let server = Server::with(Setup { is_cut_off: true, ..Setup::default() }).await;
    let (path, _) = register(&server, &hook()).await;
    for call in ["test", "verify"] {
        let reply = server.ask(Method::POST, &format!("{path}/{call}")).once(call).send().await;
        assert_eq!(reply.fault(), (503, "UNAVAILABLE".into()));
        assert!(reply.text().contains("calls no webhook endpoints"), "{}", reply.text());
    }
}

#[tokio::test]
async fn trials_are_limited_as_registrations_are() {
    let server = Server::start().await;
    let (path, _) = register(&server, &hook()).await;
    let mut refused = 0;
    for _ in 0..60 {
        let reply = server.ask(Method::POST, &format!("{path}/test")).send().await;
        refused += u32::from(reply.fault() == (429, "RATE_LIMITED".to_owned()));
    }
    assert_eq!((refused, server.receiver.take().len()), (1, 59), "sixty a minute, the registration among them");
}

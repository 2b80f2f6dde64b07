//! Secrets: shown once, rotated with an overlap, never shown again.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use waypost_core::WebhookOptions;
use waypost_core::webhooks::{MOST_SECRETS, Resealed, WebhookCall, WebhookSecret, sign, signed_content};

use super::{hook, register};
use crate::harness::{Server, Setup, header};

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Which of the secrets a call is signed with, in the order of its signatures.
fn signers(call: &WebhookCall, secrets: &[&str]) -> Vec<usize> {
    let at = jiff::Timestamp::from_second(header(call, "webhook-timestamp").parse().unwrap()).unwrap();
    let content = signed_content(header(call, "webhook-id"), at, &call.body);
    let own: Vec<_> = secrets.iter().map(|text| sign(&WebhookSecret::parse(text).unwrap(), &content)).collect();
    let signatures = header(call, "webhook-signature").split(' ');
    signatures.map(|signature| own.iter().position(|own| own == signature).expect("a secret that is known")).collect()
}

async fn called(server: &Server, path: &str) -> WebhookCall {
    let reply = server.ask(http::Method::POST, &format!("{path}/test")).send().await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    server.receiver.take().pop().unwrap()
}

#[tokio::test]
async fn a_rotated_secret_signs_beside_the_new_one_until_the_overlap_is_over() {
    let server = Server::start().await;
    let (path, old) = register(&server, &hook()).await;
    assert_eq!(signers(&called(&server, &path).await, &[&old]), [0]);
    let rotate = format!("{path}/secret/rotate");
    let reply = server.post(&rotate, &json!({"overlap": 3_600})).once("r").send().await;
    assert_eq!((reply.status, reply.header("cache-control")), (200, "no-store"), "{}", reply.text());
    let new = reply.json()["secret"].as_str().unwrap().to_owned();
    assert!(new.starts_with("whsec_") && new != old);
    let again = server.post(&rotate, &json!({"overlap": 3_600})).once("r").send().await;
    assert_eq!((again.status, &again.json()["secret"]), (200, &Value::Null), "a replay has it not, and makes none");
    assert_eq!(signers(&called(&server, &path).await, &[&old, &new]), [1, 0], "both, the new one first");
    server.clock.advance(Duration::from_secs(3_599));
    assert_eq!(signers(&called(&server, &path).await, &[&old, &new]).len(), 2);
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(signers(&called(&server, &path).await, &[&old, &new]), [1], "the old one is over");
    let at_once = server.post(&rotate, &json!({"overlap": 0})).send().await.json();
    let newest = at_once["secret"].as_str().unwrap();
    assert_eq!(signers(&called(&server, &path).await, &[&old, &new, newest]), [2]);
}

#[tokio::test]
async fn five_secrets_are_live_at_most_and_an_overlap_has_its_bounds() {
    let server = Server::start().await;
    let (path, _) = register(&server, &hook()).await;
    let rotate = |body: Value| server.post(&format!("{path}/secret/rotate"), &body).send();
    for faulty in [json!({"overlap": 604_801}), json!({"overlap": -1}), json!({"overlap": "1d"})] {
        assert_eq!(rotate(faulty).await.faulty(), ["overlap"]);
    }
    assert_eq!(rotate(json!({"secret": "whsec_x"})).await.faulty(), ["secret"]);
    for _ in 1..MOST_SECRETS {
        assert_eq!(rotate(json!({"overlap": 604_800})).await.status, 200);
    }
    assert_eq!(rotate(json!({"overlap": 604_800})).await.fault(), (409, "CONFLICT".into()));
    server.clock.advance(Duration::from_secs(604_800));
    assert_eq!(rotate(json!({})).await.status, 200, "those that ended are gone");
}

#[tokio::test]
async fn no_secret_is_shown_a_second_time() {
    let log = Log::default();
    let target = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || target.clone());
    let _listening = tracing::subscriber::set_default(subscriber.finish());
    let server = Server::start().await;
    let (path, first) = register(&server, &hook()).await;
    let rotated = server.post(&format!("{path}/secret/rotate"), &json!({})).send().await.json();
    let second = rotated["secret"].as_str().unwrap().to_owned();
    server.patch(&path, &json!({"description": "x"})).send().await;
    let call = called(&server, &path).await;
    let mut texts = vec![format!("{:?}", server.platform), format!("{call:?}")];
    for shown in [&path, "/v1/webhooks", &format!("{path}/deliveries"), &format!("{path}/stats"), "/v1/events"] {
        texts.push(server.get(shown).send().await.text());
    }
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("called a receiver"), "the log was listened to");
    texts.push(logged);
    for (secret, text) in [&first, &second].into_iter().flat_map(|secret| texts.iter().map(move |text| (secret, text)))
    {
        assert!(!text.contains(secret.strip_prefix("whsec_").unwrap()), "{text}");
    }
}

#[tokio::test]
async fn secrets_are_sealed_anew_and_still_sign() {
    let server = Server::start().await;
    let (path, secret) = register(&server, &hook()).await;
    let before = server.get(&path).send().await.json();
    let webhooks = WebhookOptions { seal_key: Some([9; 32]), ..WebhookOptions::default() };
    let turned = Server::with(Setup { webhooks, ..server.beside(Default::default()) }).await;
    let workspace = turned.platform.credentials.workspace("default").await.unwrap().id;
    let key = turned.issue("default", "*").await;
    let hash = waypost_core::credentials::ApiKeyText::parse(&key).unwrap().hash();
    let key = turned.platform.ports().credentials.key(hash).await.unwrap().unwrap();
    let who = waypost_core::credentials::Principal {
        workspace,
        actor: waypost_core::credentials::Actor::Key(key.id),
        scopes: waypost_core::credentials::Scopes::ALL,
        plan: None,
        traceparent: None,
    };
    assert_eq!(turned.platform.webhooks.reseal(&who).await.unwrap(), Resealed { sealed: 1, left: 0 });
    let none = Resealed::default();
    assert_eq!(turned.platform.webhooks.reseal(&who).await.unwrap(), none, "all are as they should be");
    assert_eq!(signers(&called(&turned, &path).await, &[&secret]), [0]);
    assert_eq!(turned.get(&path).send().await.json(), before, "nothing that its owner sees has changed");
    let old = server.ask(http::Method::POST, &format!("{path}/test")).send().await;
    assert_eq!(old.status, 500, "the key before it opens nothing any more");
}

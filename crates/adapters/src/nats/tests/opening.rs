//! What does not let the log be opened, and what lets it.

use std::time::{Duration, Instant};

use waypost_core::health::Probe as _;
use waypost_core::{Error, Kind};

use super::server::Server;
use super::{log, log_with};
use crate::nats::{Nats, NatsCredentials, NatsOptions, NatsProbe};

async fn refused(options: impl Into<NatsOptions>) -> Error {
    Nats::open(options).await.expect_err("it cannot be opened")
}

#[tokio::test]
async fn what_is_no_address_is_invalid() {
    for address in ["", "http://127.0.0.1:4222", "nats://", "nats://127.0.0.1:none", "nats://a b"] {
        let error = refused(address).await;
        assert!(error.kind() == Kind::Invalid && error.message().contains("nats://HOST:PORT"), "{address}: {error:?}");
    }
    let nowhere = NatsOptions { prefix: "way.post".to_owned(), ..NatsOptions::new("nats://127.0.0.1:1") };
    assert_eq!(refused(nowhere).await.kind(), Kind::Invalid);
}

#[tokio::test]
#[allow(clippy::disallowed_methods, reason = "it is about real time")]
async fn a_server_that_is_not_there_is_told_of_within_seconds() {
    let mut server = Server::start(&[]);
    server.kill();
    let begun = Instant::now();
    let error = refused(server.address().as_str()).await;
    assert!(error.kind() == Kind::Unavailable && error.retry_after().is_some(), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_server_without_jetstream_is_told_with_its_cure() {
    let server = Server::start(&[]);
    let error = refused(server.address().as_str()).await;
    assert!(error.kind() == Kind::Unavailable && error.message().contains("-js"), "{error:?}");
}

#[tokio::test]
async fn more_replicas_than_servers_are_told() {
    let server = Server::start(&["-js"]);
    let error = refused(NatsOptions { replicas: 3, ..NatsOptions::new(server.address()) }).await;
    assert!(error.kind() == Kind::Unavailable && error.message().contains("replicas"), "{error:?}");
}

#[tokio::test]
async fn the_probe_tells_where_jetstream_was_switched_off() {
    let (mut server, nats, _) = log().await;
    let probe = NatsProbe::new(&nats);
    assert!(probe.check().await.is_ok());
    server.kill();
    server.restart_with(&[]);
    let said = async {
        loop {
            let error = probe.check().await.expect_err("there is no JetStream");
            assert!(error.is_retryable());
            if error.message().contains("-js") {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), said).await.expect("it is told");
}

#[tokio::test]
async fn credentials_are_taken_from_the_address_and_from_the_options() {
    let server = Server::start(&["-js", "--user", "waypost", "--pass", "secret/@"]);
    let error = refused(server.address().as_str()).await;
    assert!(error.kind() == Kind::Unavailable && error.message().contains("credentials"), "{error:?}");
    assert!(!format!("{error:?}").contains("secret"));
    Nats::open(server.address().replace("//", "//waypost:secret%2F%40@").as_str()).await.expect("opened");
    let credentials = NatsCredentials::Password { user: "waypost".to_owned(), password: "secret/@".to_owned() };
    let options = NatsOptions { credentials, ..NatsOptions::new(server.address()) };
    assert!(!format!("{options:?}").contains("secret"));
    Nats::open(options).await.expect("opened");
}

#[tokio::test]
async fn the_log_follows_the_options_and_keeps_what_an_operator_settled() {
    let (server, nats, _) = log_with(|options| NatsOptions { max_bytes: Some(1 << 20), ..options }).await;
    Nats::open(NatsOptions { max_event_bytes: 10_000, ..NatsOptions::new(server.address()) }).await.expect("opened");
    let info =
        nats.ask(&format!("STREAM.INFO.{}", nats.stream()), &serde_json::Value::Null).await.expect("it is there");
    assert_eq!(
        (info["config"]["max_bytes"].as_u64(), info["config"]["max_msg_size"].as_u64()),
        (Some(1 << 20), Some(11_024))
    );
}

#[tokio::test]
async fn a_stream_of_others_is_left_alone() {
    let (server, nats, _) = log().await;
    let foreign = serde_json::json!({ "name": "foreign", "subjects": ["other.>"], "num_replicas": 1 });
    nats.ask("STREAM.CREATE.foreign", &foreign).await.expect("made");
    let options = NatsOptions { prefix: "other".to_owned(), ..NatsOptions::new(server.address()) };
    assert_eq!(refused(options).await.kind(), Kind::Conflict);
}

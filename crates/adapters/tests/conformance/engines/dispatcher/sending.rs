//! What is sent, and what is on record of it.

use super::*;
use waypost_core::webhooks::{CustomHeaders, Format, Scheme, WebhookSecret, sign, signed_content};

#[tokio::test]
async fn an_event_arrives_signed_and_is_on_record() {
    let bench = Bench::new();
    let headers = CustomHeaders::stored(r#"{"x-team": "links"}"#).unwrap();
    let endpoint = bench.registered_as(Endpoint { headers, ..endpoint(1) }).await;
    bench.owes(&endpoint, 1..=1, 1).await;
    let mut dispatcher = bench.dispatcher();
    bench.run(&mut dispatcher).await;
    let calls = bench.receivers.calls.lock().unwrap().clone();
    let [call] = &calls[..] else { panic!("one call, not {}", calls.len()) };
    let told = event(1, "lnk_0");
    assert_eq!(header(call, "webhook-id"), told.id.to_string());
    assert_eq!(header(call, "webhook-timestamp"), bench.now().as_second().to_string());
    assert_eq!(header(call, "content-type"), "application/json");
    assert_eq!(header(call, "x-team"), "links");
    let secret = WebhookSecret::from_bytes(SECRET.into()).unwrap();
    let content = signed_content(&told.id.to_string(), bench.now(), &call.body);
    assert_eq!(header(call, "webhook-signature"), sign(&secret, &content));
    let body: serde_json::Value = serde_json::from_slice(&call.body).unwrap();
    assert_eq!((&body["event"], &body["id"]), (&told.kind.as_str().into(), &told.id.to_string().into()));
    assert!(body["cursor"].as_str().is_some_and(|cursor| !cursor.is_empty()));
    let (record, attempts) = bench.record(endpoint.id, &told).await;
    assert_eq!((record.state, record.attempts), (DeliveryState::Delivered, 1));
    let [attempt] = &attempts[..] else { panic!("one attempt") };
    assert_eq!((attempt.number, attempt.at, attempt.result.status), (1, bench.now(), Some(200)));
    assert_eq!(attempt.traceparent.as_deref(), Some(&*header(call, "traceparent")));
}

#[tokio::test]
async fn a_call_belongs_to_the_trace_of_its_event() {
    let bench = Bench::new();
    let endpoint = bench.registered(1).await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let told = Event { traceparent: Some(format!("00-{trace}-b7ad6b7169203331-01")), ..event(1, "lnk_1") };
    let position = Position { epoch: Epoch(1), offset: 1 };
    let delivery = Delivery { endpoint: endpoint.id, event: told, position, ordering: None };
    bench.store.enqueue(&[delivery], bench.now()).await.unwrap();
    bench.run(&mut bench.dispatcher()).await;
    let sent = header(&bench.receivers.calls.lock().unwrap()[0], "traceparent");
    let parts: Vec<_> = sent.split('-').collect();
    assert_eq!((parts[0], parts[1], parts[3]), ("00", trace, "01"));
    assert!(parts[2].len() == 16 && parts[2] != "b7ad6b7169203331", "a span of its own");
}

#[tokio::test]
async fn a_receiver_may_ask_for_cloud_events_and_for_ed25519() {
    let bench = Bench::new();
    let asks = Endpoint { format: Format::CloudEvents, scheme: Scheme::Ed25519, ..endpoint(1) };
    let endpoint = bench.registered_as(asks).await;
    bench.owes(&endpoint, 1..=1, 1).await;
    bench.run(&mut bench.dispatcher()).await;
    let call = bench.receivers.calls.lock().unwrap()[0].clone();
    let body: serde_json::Value = serde_json::from_slice(&call.body).unwrap();
    assert_eq!((&body["specversion"], &body["type"]), (&"1.0".into(), &event(1, "x").kind.as_str().into()));
    assert!(header(&call, "content-type").starts_with("application/cloudevents+json"));
    let signatures = header(&call, "webhook-signature");
    let versions: Vec<_> = signatures.split(' ').filter_map(|one| one.split(',').next()).collect();
    assert_eq!(versions, ["v1", "v1a"]);
}

#[tokio::test]
async fn all_live_secrets_sign_and_ended_ones_do_not() {
    let bench = Bench::new();
    let endpoint = bench.registered(1).await;
    let mut secrets = endpoint.secrets.clone();
    let end = bench.now() + seconds(60);
    secrets.push(SealedSecret { ends_at: Some(end), ..secrets[0].clone() });
    let turned = Endpoint { secrets, version: 2, ..endpoint.clone() };
    assert!(bench.store.update_endpoint(&turned, &[]).await.unwrap());
    let mut dispatcher = bench.dispatcher();
    for (n, count) in [(1, 2), (2, 1)] {
        bench.owes(&endpoint, n..=n, 1).await;
        bench.run(&mut dispatcher).await;
        let call = bench.receivers.calls.lock().unwrap().last().cloned().unwrap();
        assert_eq!(header(&call, "webhook-signature").split(' ').count(), count);
        bench.clock.advance(seconds(60));
    }
}

#[tokio::test]
async fn thousands_arrive_each_once() {
    let bench = Bench::new();
    let endpoint = bench.registered(1).await;
    bench.owes(&endpoint, 1..=5_000, 7).await;
    bench.run(&mut bench.dispatcher()).await;
    let mut brought = bench.receivers.brought(&endpoint);
    assert_eq!(brought.len(), 5_000);
    brought.sort();
    brought.dedup();
    assert_eq!(brought.len(), 5_000);
    assert_eq!(bench.waiting().await, 0);
}

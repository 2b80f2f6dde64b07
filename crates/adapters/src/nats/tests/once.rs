//! An event id in the log is never appended again, whether the server remembers it or not.

use std::time::Duration;

use waypost_core::clock::{Clock as _, SystemClock};
use waypost_core::conformance::fixtures::at;
use waypost_core::events::{Event, EventBus as _};

use super::{events, everything, log, log_with};
use crate::nats::{Nats, NatsOptions};
use async_nats::jetstream::message::PublishMessage;

/// Publishes one id until the server takes it for new again: by then it has forgotten all that came before.
async fn until_forgotten(nats: &Nats) {
    let subject = nats.subject(events(1, 1)[0].workspace);
    let put = async || {
        let message = PublishMessage::build().message_id("an id of our own").payload("".into());
        let answer = nats.jetstream().expect("it is up").send_publish(subject.clone(), message).await;
        answer.expect("sent").await.expect("answered")
    };
    put().await;
    tokio::time::timeout(Duration::from_secs(30), async { while put().await.duplicate {} }).await.expect("forgotten");
}

#[tokio::test]
async fn an_event_that_the_server_forgot_is_found_in_the_log() {
    let short = |options| NatsOptions { duplicate_window: Duration::from_millis(100), ..options };
    let (_server, nats, bus) = log_with(short).await;
    let now = SystemClock.now();
    let young: Vec<Event> = events(10, 5).into_iter().map(|event| Event { created_at: now, ..event }).collect();
    let events = [events(1, 5), young].concat();
    let first = bus.publish(&events).await.expect("published");
    until_forgotten(&nats).await;
    assert_eq!(bus.publish(&events).await.expect("published"), first);
    assert_eq!(everything(&bus).await.len(), events.len());
}

#[tokio::test]
async fn a_trim_makes_the_server_forget_no_id_of_what_is_kept() {
    let (_server, _nats, bus) = log().await;
    let now = SystemClock.now();
    let young: Vec<Event> = events(10, 5).into_iter().map(|event| Event { created_at: now, ..event }).collect();
    let events = [events(1, 5), young].concat();
    let first = bus.publish(&events).await.expect("published");
    assert_eq!(bus.trim(at(1_000), 100).await.expect("trimmed"), 5);
    assert_eq!(bus.publish(&events[5..]).await.expect("published"), first[5..]);
    assert_eq!(everything(&bus).await.len(), 5);
}

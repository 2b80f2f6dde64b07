//! A log that has no room, an event that is too large, and many at once.

use std::time::Duration;

use futures_util::future::join_all;
use waypost_core::Kind;
use waypost_core::conformance::fixtures::{at, event};
use waypost_core::events::{Event, EventBus as _, Payload};

use super::{events, everything, log_with};
use crate::nats::NatsOptions;

#[tokio::test]
async fn a_full_log_refuses_events_and_goes_on_once_there_is_room() {
    let (_server, _nats, bus) = log_with(|options| NatsOptions { max_bytes: Some(20_000), ..options }).await;
    let events = events(1, 100);
    let error = bus.publish(&events).await.expect_err("it is full");
    assert!(error.kind() == Kind::Unavailable && error.message().contains("max_bytes"), "{error:?}");
    assert!(error.retry_after().is_some());
    let kept = everything(&bus).await;
    assert!(!kept.is_empty() && kept.len() < events.len());
    for logged in &kept {
        assert_eq!(logged.event, events[logged.position.offset as usize - 1], "none was passed over");
    }
    bus.trim(at(1_000), 1_000).await.expect("trimmed");
    let rest = &events[kept.len()..][..10];
    bus.publish(rest).await.expect("there is room");
    assert_eq!(everything(&bus).await.into_iter().map(|logged| logged.event).collect::<Vec<_>>(), rest);
}

#[tokio::test]
async fn an_event_that_is_too_large_is_told_before_anything_is_sent() {
    let (_server, _nats, bus) = log_with(|options| NatsOptions { max_event_bytes: 1_000, ..options }).await;
    let mut events = events(1, 3);
    let data = Payload::of(&"x".repeat(1_000)).expect("text");
    events[1] = Event { data, ..events[1].clone() };
    let error = bus.publish(&events).await.expect_err("one is too large");
    assert!(error.kind() == Kind::Invalid && error.message().contains("1000 bytes"), "{error:?}");
    assert_eq!(everything(&bus).await, []);
}

/// However many there are, none waits for what another holds.
#[tokio::test]
async fn many_large_publishes_at_once_all_come_to_an_end() {
    let (_server, _nats, bus) = log_with(|options| options).await;
    let batches: Vec<Vec<Event>> = (0..12).map(|n| distinct(n * 1_000 + 1, 1_000)).collect();
    let published = join_all(batches.iter().map(|batch| bus.publish(batch)));
    let published = tokio::time::timeout(Duration::from_secs(60), published).await.expect("they come to an end");
    assert!(published.into_iter().all(|positions| positions.is_ok_and(|positions| positions.is_sorted())));
    assert_eq!(everything(&bus).await.len(), 12_000);
}

/// Events of which no two are of one subject.
fn distinct(first: u64, count: u64) -> Vec<Event> {
    (first..first + count).map(|n| event(n, &format!("lnk_{n}"))).collect()
}

//! A stream or a bucket that somebody deleted.

use serde_json::Value;
use waypost_core::conformance::fixtures::{at, seconds};
use waypost_core::events::{Acked, EventBus as _, EventFilter, Read};

use super::{at_last, events, everything, log};

#[tokio::test]
async fn positions_of_a_stream_that_was_deleted_are_reset() {
    let (_server, nats, bus) = log().await;
    let old = bus.publish(&events(1, 5)).await.expect("published");
    let batch = bus.consume("group", 2, at(0), seconds(30)).await.expect("a call").expect("a batch");
    assert_eq!(bus.ack("group", &batch).await.expect("a call"), Acked::Moved);
    nats.ask(&format!("STREAM.DELETE.{}", nats.stream()), &Value::Null).await.expect("deleted");
    let new = bus.publish(&events(1, 5)).await.expect("published, in a log that is made for it");
    assert!(new.iter().zip(&old).all(|(new, old)| new.offset == old.offset && new.epoch != old.epoch));
    let expected = Read::Reset(bus.bounds().await.expect("bounds"));
    for position in old {
        assert_eq!(bus.read(position, &EventFilter::default(), 10).await.expect("a read"), expected);
    }
    let batch = bus.consume("group", 10, at(0), seconds(30)).await.expect("a call").expect("a batch");
    assert_eq!((batch.events.len(), batch.gap), (5, true), "what was in the old log, the group did not see");
}

#[tokio::test]
async fn groups_begin_anew_in_a_bucket_that_was_deleted() {
    let (_server, nats, bus) = log().await;
    bus.publish(&events(1, 5)).await.expect("published");
    let batch = bus.consume("group", 2, at(0), seconds(30)).await.expect("a call").expect("a batch");
    nats.ask(&format!("STREAM.DELETE.KV_{}", nats.bucket()), &Value::Null).await.expect("deleted");
    assert_eq!(at_last(async || bus.ack("group", &batch).await).await, Acked::Superseded);
    let again = bus.consume("group", 10, at(0), seconds(30)).await.expect("a call").expect("a batch");
    assert_eq!(again.events.len(), 5);
}

/// Whoever may publish to the subject may put anything there.
#[tokio::test]
async fn a_message_that_is_no_event_stops_nobody() {
    let (_server, nats, bus) = log().await;
    let subject = nats.subject(events(1, 1)[0].workspace);
    let put = async |text: &'static str| {
        let jetstream = nats.jetstream().expect("it is up");
        jetstream.publish(subject.clone(), text.into()).await.expect("sent").await.expect("stored");
    };
    put("x").await;
    bus.publish(&events(1, 2)).await.expect("published");
    put("{}").await;
    let (found, end) = (everything(&bus).await, bus.bounds().await.expect("bounds").end);
    assert_eq!((found.len(), end.offset), (2, 4));
    for _ in 0..2 {
        let batch = bus.consume("group", 1, at(0), seconds(30)).await.expect("a call").expect("a batch");
        assert_eq!(bus.ack("group", &batch).await.expect("a call"), Acked::Moved);
    }
    assert_eq!(bus.consume("group", 1, at(0), seconds(30)).await.expect("a call"), None);
    assert_eq!(bus.trim(at(100), 10).await.expect("trimmed"), 4);
}

//! A server that dies and comes back.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use waypost_core::conformance::fixtures::{at, seconds};
use waypost_core::events::{Acked, EventBus as _, EventFilter, Read};

use waypost_core::Result;

use super::{at_last, events, everything, log};
use crate::nats::NatsEventBus;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_killed_keeps_log_positions_and_groups() {
    let (mut server, _nats, bus) = log().await;
    let first = events(1, 10);
    let positions = bus.publish(&first).await.expect("published");
    let batch = bus.consume("group", 4, at(0), seconds(30)).await.expect("a call").expect("a batch");
    assert_eq!(bus.ack("group", &batch).await.expect("a call"), Acked::Moved);
    let leased = bus.consume("group", 2, at(0), seconds(30)).await.expect("a call").expect("a batch");
    let before = everything(&bus).await;
    server.kill();
    server.restart();
    let bounds = at_last(async || bus.bounds().await).await;
    assert_eq!(bounds.end, positions[9], "also the epoch");
    assert_eq!(everything(&bus).await, before);
    match bus.read(positions[6], &EventFilter::default(), 10).await.expect("a read") {
        Read::Events { events, .. } => assert_eq!(events, before[7..]),
        Read::Reset(bounds) => panic!("reset to {bounds:?}"),
    }
    assert_eq!(bus.consume("group", 2, at(1), seconds(30)).await.expect("a call"), None, "the lease holds");
    assert_eq!(bus.ack("group", &leased).await.expect("a call"), Acked::Moved);
    let rest = bus.consume("group", 10, at(1), seconds(30)).await.expect("a call").expect("a batch");
    assert_eq!(rest.events, before[6..]);
    assert_eq!(bus.publish(&first).await.expect("published"), positions, "published again, it is there once");
    assert_eq!(everything(&bus).await, before);
    let later = bus.publish(&events(11, 3)).await.expect("published");
    assert!(later[0] > positions[9]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiter_wakes_when_the_server_is_back_and_when_there_is_more() {
    let (mut server, _nats, bus) = log().await;
    let end = bus.publish(&events(1, 3)).await.expect("published")[2];
    let mut waiting = pin!(bus.wait(end));
    registered(&bus, waiting.as_mut()).await;
    server.kill();
    server.restart();
    tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("it wakes").expect("it had begun to wait");
    at_last(async || bus.bounds().await).await;
    let mut waiting = pin!(bus.wait(end));
    registered(&bus, waiting.as_mut()).await;
    bus.publish(&events(4, 1)).await.expect("published");
    tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("it wakes").expect("there is more");
}

/// Returns once `waiting` waits: it asks the server once, and what is asked later is answered later.
async fn registered(bus: &NatsEventBus, waiting: impl Future<Output = Result<()>>) {
    let asking = async {
        for _ in 0..5 {
            bus.bounds().await.expect("the server is there");
        }
    };
    tokio::select! {
        biased;
        _ = waiting => panic!("there is nothing more"),
        () = asking => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_server_is_away_calls_fail_and_say_when_to_come_back() {
    let (mut server, _nats, bus) = log().await;
    let end = bus.publish(&events(1, 1)).await.expect("published")[0];
    server.kill();
    let failures = [
        bus.publish(&events(2, 1)).await.expect_err("it is away"),
        bus.bounds().await.expect_err("it is away"),
        bus.read(end, &EventFilter::default(), 1).await.expect_err("it is away"),
        bus.wait(end).await.expect_err("it is away"),
        bus.consume("group", 1, at(0), seconds(30)).await.expect_err("it is away"),
        bus.trim(at(9), 1).await.expect_err("it is away"),
    ];
    for error in failures {
        assert!(error.is_retryable() && error.retry_after().is_some(), "{error:?}");
    }
}

/// Whatever is lost with a connection: an event that is published again still comes before the later ones of its key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_overtakes_an_event_of_its_key_however_often_the_server_dies() {
    let (mut server, _nats, bus) = log().await;
    let events = events(1, 6_000);
    let is_done = AtomicBool::new(false);
    let publishing = async {
        for batch in events.chunks(1_000) {
            at_last(async || bus.publish(batch).await).await;
        }
        is_done.store(true, Ordering::Relaxed);
    };
    let killing = async {
        for _ in 0..3 {
            let seen = at_last(async || bus.bounds().await).await.end.offset;
            let has_moved = async || Ok(is_done.load(Ordering::Relaxed) || bus.bounds().await?.end.offset > seen + 300);
            while !at_last(has_moved).await {}
            server.kill();
            server.restart();
        }
    };
    tokio::join!(publishing, killing);
    let all = everything(&bus).await;
    assert_eq!(all.len(), events.len(), "each once");
    for key in ["lnk_0", "lnk_1", "lnk_2"] {
        let ids =
            all.iter().filter(|logged| logged.event.subject.as_deref() == Some(key)).map(|logged| logged.event.id);
        assert!(ids.is_sorted(), "{key} is in order");
    }
}

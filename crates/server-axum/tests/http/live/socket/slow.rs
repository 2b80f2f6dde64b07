//! Clients that take their time.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use waypost_adapters::websocket::{Explain, serve};
use waypost_core::clock::Clock;
use waypost_core::engine::Next;
use waypost_core::events::{Event, EventType, Payload};
use waypost_core::ids::EventId;
use waypost_core::push::{Opening, Transport};

use super::peer::{FIN, Ground, TEXT, frame, within};

/// Puts so many events of about 2 KiB into the log, and has them read.
async fn flood(ground: &Ground, count: usize) {
    let server = &ground.server;
    let workspace = server.platform.credentials.workspace("default").await.unwrap().id;
    let now: Timestamp = server.clock.now();
    let event = |number: usize| Event {
        id: EventId::fresh(now, &*server.platform.entropy),
        kind: EventType::parse("link.created").unwrap(),
        version: 1,
        created_at: now,
        workspace,
        subject: Some(format!("lnk_{number}")),
        traceparent: None,
        data: Payload::trusted(json!({"filling": "x".repeat(2_000)}).to_string()),
    };
    let events: Vec<_> = (0..count).map(event).collect();
    server.platform.ports().bus.publish(&events).await.unwrap();
    let mut tail = server.engine("live_tail");
    while matches!(tail.step(server.clock.now()).await.unwrap(), Next::Now) {}
}

#[tokio::test]
async fn a_frame_that_never_ends_is_bounded_by_the_ping_that_it_cannot_answer() {
    let ground = Ground::start().await;
    let mut peer = ground.listen().await;
    let clock = &ground.server.clock;
    let bytes = frame(FIN | TEXT, &[b' '; 100]);
    for byte in &bytes[..34] {
        peer.write(&[*byte]).await;
        turns().await;
        clock.advance(Duration::from_secs(1));
    }
    turns().await;
    // It has had its ping, and is heard of by nothing but half a frame.
    clock.advance(Duration::from_secs(10));
    let (messages, code) = peer.end().await;
    assert_eq!((code, &messages[0]["reason"]), (Some(4408), &json!("silent")));
}

#[tokio::test]
async fn who_stops_reading_is_cut_off_and_nobody_else_notices() {
    let ground = Ground::start().await;
    let mut slow = ground.listen().await;
    let mut quick = ground.listen().await;
    let (batch, batches) = (100, 50);
    let reading = tokio::spawn(async move {
        for number in 0..batch * batches {
            let message = quick.hear().await;
            assert_eq!(message["event"]["subject"], format!("lnk_{}", number % batch), "{number}");
        }
        quick
    });
    for _ in 0..batches {
        flood(&ground, batch).await;
        // The quick one is not to be a slow one.
        turns().await;
    }
    let mut quick = within(reading).await.unwrap();
    quick.hears_nothing().await;
    let (messages, code) = slow.end().await;
    let (last, events) = messages.split_last().unwrap();
    assert_eq!((code, &last["reason"]), (Some(4408), &json!("too_slow")));
    assert!(events.len() < batch * batches, "it was cut off, not waited for");
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["event"]["subject"], format!("lnk_{}", number % batch));
    }
    // It comes back, and misses nothing.
    let mut again = ground.open().await;
    let cursor = &events.last().unwrap()["event"]["cursor"];
    again.say(json!({"type": "subscribe", "id": "all", "cursor": cursor})).await;
    assert_eq!(again.hear().await["recovered"], true);
    for number in events.len()..batch * batches {
        assert_eq!(again.hear().await["event"]["subject"], format!("lnk_{}", number % batch));
    }
}

#[tokio::test]
async fn who_stops_reading_may_choose_to_miss_something_and_is_told_so() {
    let ground = Ground::start().await;
    let mut slow = ground.open().await;
    slow.say(json!({"type": "subscribe", "id": "all", "overflow": "drop_oldest"})).await;
    assert_eq!(slow.hear().await["type"], "subscribed");
    for _ in 0..50 {
        flood(&ground, 100).await;
        tokio::task::yield_now().await;
    }
    let (mut events, mut skipped) = (0, 0);
    loop {
        let message = slow.hear().await;
        match message["type"].as_str() {
            Some("skipped") => skipped += 1,
            _ => {
                events += 1;
                if skipped > 0 && message["event"]["subject"] == "lnk_99" && events > 100 {
                    break;
                }
            }
        }
    }
    assert!(skipped > 0 && events < 5_000, "{skipped}, {events}");
}

#[tokio::test]
async fn commands_of_who_does_not_read_are_not_read_either() {
    let ground = Ground::start().await;
    let server = &ground.server;
    let who = server.platform.credentials.find(&ground.key).await.unwrap().principal();
    let opening = Opening { who, until: None, proof: None, address: None, transport: Transport::WebSocket };
    let session = server.platform.live.open(opening).unwrap();
    let explain: Explain = Arc::new(|error| unreachable!("{error}"));
    // The connection itself holds no more than this, so that it is seen what the server holds.
    let (near, mut far) = tokio::io::duplex(4 * 1024);
    let serving = serve(near, session, explain);
    assert!(size_of_val(&serving) <= 1_024, "a socket that waits is small: {}", size_of_val(&serving));
    let serving = tokio::spawn(serving);
    far.write_all(&frame(FIN | TEXT, br#"{"type":"subscribe","id":"all"}"#)).await.unwrap();
    // It stands, and its answer is not read.
    turns().await;
    flood(&ground, 200).await;
    turns().await;
    let ping = frame(FIN | TEXT, br#"{"type":"ping"}"#);
    let mut written = 0;
    while let Some(Ok(count)) = far.write(&ping).now_or_never() {
        written += count;
        turns().await;
    }
    assert_eq!(written, 4 * 1024, "what the connection holds, and not one byte more");
    // It is no flood either: what is not read is not counted.
    let (mut read, mut total) = (vec![0; 4 * 1024], 0);
    while total < 200 * 2_000 {
        total += within(far.read(&mut read)).await.unwrap();
    }
    drop(far);
    within(serving).await.unwrap();
}

/// Lets others do what they can.
async fn turns() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

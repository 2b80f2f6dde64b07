//! What the server loses, readers are told.

use std::fs::OpenOptions;

use waypost_core::conformance::fixtures::{at, seconds};
use waypost_core::events::{Acked, EventBus, Position, Read};

use super::server::{Persistence, Server};
use super::{events_of, found, kept, some};
use crate::redis::RedisEventBus;

async fn published(bus: &RedisEventBus, first: u64, count: u64) -> Vec<Position> {
    bus.publish(&some(first, count)).await.expect("published")
}

#[tokio::test]
async fn a_flushed_log_is_reset_and_then_goes_on() {
    let server = Server::start(Persistence::None).await;
    let bus = RedisEventBus::new(&server.open().await);
    let old = published(&bus, 1, 3).await;
    server.command(&["FLUSHALL"]);
    assert!(matches!(found(&bus, old[2]).await, Read::Reset(_)));
    let new = published(&bus, 4, 5).await;
    assert_ne!(new[0].epoch, old[0].epoch);
    for position in old {
        assert!(matches!(found(&bus, position).await, Read::Reset(_)), "though the offset exists again");
    }
    assert_eq!(events_of(&kept(&bus).await), some(4, 5));
}

#[tokio::test]
async fn a_restart_that_keeps_nothing_is_reset() {
    let mut server = Server::start(Persistence::None).await;
    let redis = server.open().await;
    let (bus, reader) = (RedisEventBus::new(&redis), RedisEventBus::new(&server.open().await));
    let old = published(&bus, 1, 3).await;
    assert_eq!(kept(&reader).await.len(), 3);
    server.kill();
    server.start_again().await;
    published(&bus, 4, 9).await;
    assert!(matches!(found(&reader, old[2]).await, Read::Reset(_)));
    assert_eq!(events_of(&kept(&reader).await), some(4, 9));
}

/// What a crash of the machine does to a file that is written each second: its end is gone.
#[tokio::test]
async fn a_lost_end_is_reset_whoever_comes_first() {
    let mut server = Server::start(Persistence::EverySecond).await;
    let (one, other) = (RedisEventBus::new(&server.open().await), RedisEventBus::new(&server.open().await));
    let first = published(&one, 1, 5).await;
    let length = server.append_only_file().metadata().expect("its length").len();
    // The other node has seen more than the one that comes back first.
    let lost = published(&other, 6, 5).await;
    server.kill();
    let file = OpenOptions::new().write(true).open(server.append_only_file()).expect("the file");
    file.set_len(length).expect("it is cut");
    server.start_again().await;
    let again = published(&one, 11, 10).await;
    assert_eq!(again[0].offset, lost[0].offset, "offsets are given again");
    assert_ne!(again[0].epoch, lost[0].epoch, "in another epoch");
    for position in first.into_iter().chain(lost) {
        assert!(matches!(found(&other, position).await, Read::Reset(_)), "{position:?}");
    }
    let expected = [some(1, 5), some(11, 10)].concat();
    assert_eq!(events_of(&kept(&other).await), expected, "what was kept stays readable");
}

/// A fail-over to a replica that was behind may bring no new run that anybody notices.
#[tokio::test]
async fn a_node_misses_what_it_has_seen() {
    let server = Server::start(Persistence::None).await;
    let bus = RedisEventBus::new(&server.open().await);
    let positions = published(&bus, 1, 4).await;
    server.command(&["XDEL", "{waypost}:events:log", "4-0"]);
    server.command(&["HSET", "{waypost}:events", "last", "3"]);
    assert!(matches!(found(&bus, positions[1]).await, Read::Reset(_)));
    assert_eq!(events_of(&kept(&bus).await), some(1, 3));
}

#[tokio::test]
async fn a_hole_is_reset() {
    let server = Server::start(Persistence::None).await;
    let bus = RedisEventBus::new(&server.open().await);
    let positions = published(&bus, 1, 4).await;
    server.command(&["XDEL", "{waypost}:events:log", "3-0"]);
    assert!(matches!(found(&bus, positions[0]).await, Read::Reset(_)));
    assert!(matches!(found(&bus, positions[0]).await, Read::Reset(_)), "for good");
}

#[tokio::test]
async fn after_a_restart_everything_that_was_kept_is_read_and_groups_go_on() {
    let mut server = Server::start(Persistence::Always).await;
    let bus = RedisEventBus::new(&server.open().await);
    let old = published(&bus, 1, 6).await;
    let batch = bus.consume("group", 2, at(0), seconds(30)).await.expect("consumed").expect("a batch");
    assert_eq!(bus.ack("group", &batch).await.expect("acked"), Acked::Moved);
    let leased = bus.consume("group", 2, at(0), seconds(30)).await.expect("consumed").expect("a batch");
    server.kill();
    server.start_again().await;
    // A node that knows nothing of before.
    let fresh = RedisEventBus::new(&server.open().await);
    assert!(matches!(found(&fresh, old[1]).await, Read::Reset(_)), "nobody can know that nothing was lost");
    assert_eq!(events_of(&kept(&fresh).await), some(1, 6));
    assert_eq!(fresh.ack("group", &leased).await.expect("an outcome"), Acked::Superseded, "of another epoch");
    assert_eq!(fresh.consume("group", 2, at(29), seconds(30)).await.expect("consumed"), None, "the lease holds");
    let next = fresh.consume("group", 10, at(30), seconds(30)).await.expect("consumed").expect("a batch");
    assert_eq!((events_of(&next.events), next.gap), (some(3, 4), true));
    assert_eq!(fresh.ack("group", &next).await.expect("acked"), Acked::Moved);
    published(&bus, 7, 1).await;
    let last = bus.consume("group", 10, at(31), seconds(30)).await.expect("consumed").expect("a batch");
    assert_eq!((events_of(&last.events), last.gap), (some(7, 1), false));
}

#[tokio::test]
async fn a_server_that_forgot_its_scripts_is_told_them_again() {
    let server = Server::start(Persistence::None).await;
    let bus = RedisEventBus::new(&server.open().await);
    let positions = published(&bus, 1, 3).await;
    for round in 0..2 {
        server.command(&["SCRIPT", "FLUSH"]);
        published(&bus, 4 + round, 1).await;
        match found(&bus, positions[2]).await {
            Read::Events { events, .. } => assert_eq!(events_of(&events), some(4, round + 1)),
            Read::Reset(bounds) => panic!("nothing was lost, and yet: {bounds:?}"),
        }
    }
}

//! Who is where: the keys that it takes, and two nodes that share them.

use waypost_core::conformance::fixtures::{at, seconds, workspace};
use waypost_core::credentials::Actor;
use waypost_core::ids::{KeyId, SessionId};
use waypost_core::push::presence::{Place, Presence, PresenceStore as _, Stay};

use super::server::{Persistence, Server};
use crate::redis::{Redis, RedisPresenceStore};

fn stay(subject: &str, n: u8) -> Stay {
    let actor = Actor::Key(KeyId::from_bytes([1; 16]));
    Stay {
        place: Place::new(workspace(1), subject).expect("a place"),
        presence: Presence { session: SessionId::from_bytes([n; 16]), actor, since: at(0) },
    }
}

/// How many seconds each key has left.
async fn expiries(redis: &Redis) -> Vec<i64> {
    let keys: Vec<String> = redis.query(redis::cmd("KEYS").arg("*")).await.expect("the keys");
    let mut left = Vec::new();
    for key in keys {
        left.push(redis.query(redis::cmd("TTL").arg(&key)).await.expect("its time"));
    }
    left
}

#[tokio::test]
async fn nodes_see_each_other_and_a_server_that_was_emptied_has_nobody() {
    let server = Server::start(Persistence::None).await;
    let handle = server.open().await;
    let (one, other) = (RedisPresenceStore::new(&handle), RedisPresenceStore::new(&server.open().await));
    let (first, second) = (stay("lnk", 1), stay("lnk", 2));
    one.enter(std::slice::from_ref(&first), at(10), seconds(30)).await.expect("entered");
    other.enter(std::slice::from_ref(&second), at(10), seconds(30)).await.expect("entered");
    let places = [first.place.clone()];
    for store in [&one, &other] {
        let present = store.present(&places, at(10), 10).await.expect("found");
        assert_eq!(present, [[first.presence, second.presence]]);
    }
    other.leave(std::slice::from_ref(&first)).await.expect("left");
    assert_eq!(one.present(&places, at(10), 10).await.expect("found"), [[second.presence]]);
    handle.query::<()>(&redis::cmd("FLUSHALL")).await.expect("flushed");
    assert_eq!(one.present(&places, at(10), 10).await.expect("found"), [[]]);
    assert_eq!(other.sweep(at(1_000), 10).await.expect("swept"), 0);
}

#[tokio::test]
async fn keys_outlive_their_last_end_by_an_hour_and_go_with_whoever_left() {
    let server = Server::start(Persistence::None).await;
    let redis = server.open().await;
    let store = RedisPresenceStore::new(&redis);
    store.enter(&[stay("lnk", 1)], at(0), seconds(300)).await.expect("entered");
    // A shorter life beside it takes nothing away.
    store.enter(&[stay("lnk", 2)], at(0), seconds(1)).await.expect("entered");
    let left = expiries(&redis).await;
    assert_eq!(left.len(), 3);
    assert!(left.iter().all(|seconds| (3_890..=3_900).contains(seconds)), "{left:?}");
    store.enter(&[stay("lnk", 1)], at(0), seconds(900)).await.expect("renewed");
    let left = expiries(&redis).await;
    assert!(left.iter().all(|seconds| (4_490..=4_500).contains(seconds)), "{left:?}");
    store.leave(&[stay("lnk", 1), stay("lnk", 2)]).await.expect("left");
    assert!(expiries(&redis).await.is_empty());
    store.enter(&[stay("lnk", 1)], at(0), std::time::Duration::MAX).await.expect("entered for good");
    assert_eq!(store.sweep(at(1_000_000), 10).await.expect("swept"), 0);
}

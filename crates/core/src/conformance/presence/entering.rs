//! Clauses 1, 3 and 7: who enters is there, once.

use std::sync::Arc;
use std::time::Duration;

use super::{LIVES, Store, end, entered, found, numbers, place, presence, session, stay};
use crate::conformance::fixtures::{at, just_before};
use crate::conformance::race;
use crate::credentials::Actor;
use crate::ids::{ClientId, KeyId, SubjectId, UserId};
use crate::push::presence::{Presence, Stay};

/// Clause 1: whoever they are, and to the microsecond.
pub async fn who_entered_is_present_as_they_entered(store: Store) {
    let actors = [
        Actor::Key(KeyId::from_bytes([1; 16])),
        Actor::Client(ClientId::from_bytes([0xFF; 16])),
        Actor::User(UserId::from_bytes([0; 16])),
        Actor::Subject(SubjectId::from_bytes([4; 16])),
    ];
    let micros = Duration::from_micros(123_456);
    let members = (1..).zip(actors).map(|(n, actor)| Presence { actor, since: at(60) + micros, session: session(n) });
    let members: Vec<_> = members.collect();
    let stays: Vec<_> = members.iter().map(|presence| Stay { place: place("lnk"), presence: *presence }).collect();
    entered(&store, &stays, at(100)).await;
    assert_eq!(found(&store, &place("lnk"), at(100)).await, members);
    assert_eq!(found(&Arc::clone(&store), &place("lnk"), just_before(end(at(100)))).await, members);
}

/// Clause 3.
pub async fn who_enters_again_is_there_once_as_they_entered_last(store: Store) {
    entered(&store, &[stay("lnk", 1), stay("lnk", 2)], at(10)).await;
    let actor = Actor::User(UserId::from_bytes([9; 16]));
    let anew = Presence { actor, since: at(20), ..presence(1) };
    entered(&store, &[Stay { place: place("lnk"), presence: anew }], at(20)).await;
    assert_eq!(found(&store, &place("lnk"), at(20)).await, [presence(2), anew], "in the order of the new moment");
    entered(&store, &[Stay { place: place("lnk"), presence: anew }], at(21)).await;
    assert_eq!(found(&store, &place("lnk"), at(21)).await, [presence(2), anew]);
}

/// Clause 5, of one session.
pub async fn a_session_may_be_at_many_places(store: Store) {
    let elsewhere = Presence { since: at(5), ..presence(1) };
    let stays = [stay("one", 1), Stay { place: place("other"), presence: elsewhere }];
    entered(&store, &stays, at(10)).await;
    assert_eq!(found(&store, &place("one"), at(10)).await, [presence(1)]);
    assert_eq!(found(&store, &place("other"), at(10)).await, [elsewhere]);
}

/// Clause 7.
pub async fn a_batch_that_names_a_session_twice_leaves_it_as_the_last_says(store: Store) {
    let last = Presence { since: at(3), ..presence(1) };
    let stays = [stay("lnk", 1), stay("lnk", 2), Stay { place: place("lnk"), presence: last }];
    entered(&store, &stays, at(10)).await;
    assert_eq!(found(&store, &place("lnk"), at(10)).await, [presence(2), last]);
    store.leave(&[stay("lnk", 1), stay("lnk", 1)]).await.expect("left");
    assert_eq!(numbers(&store, "lnk", at(10)).await, [2]);
}

/// Clause 7.
pub async fn empty_batches_do_nothing(store: Store) {
    entered(&store, &[stay("lnk", 1)], at(10)).await;
    entered(&store, &[], at(10)).await;
    store.leave(&[]).await.expect("nobody left");
    assert_eq!(store.present(&[], at(10), 10).await.expect("nothing asked"), Vec::<Vec<_>>::new());
    assert_eq!(numbers(&store, "lnk", at(10)).await, [1]);
}

/// Clause 1: a node renews thousands, and the longest subjects make them larger than some stores take at once.
pub async fn a_large_batch_enters_whole(store: Store) {
    let subject = |n: u64| format!("{n:0>256}");
    let stays: Vec<_> = (0..2_000).map(|n| stay(&subject(n % 500), n)).collect();
    entered(&store, &stays, at(3_000)).await;
    let places: Vec<_> = (0..500).map(|n| place(&subject(n))).collect();
    let lists = store.present(&places, at(3_000), 10).await.expect("found");
    for (n, list) in (0..500).zip(&lists) {
        assert_eq!(list[..], [n, n + 500, n + 1_000, n + 1_500].map(presence), "{n}");
    }
    assert_eq!(lists.len(), 500);
    store.leave(&stays).await.expect("left");
    assert!(store.present(&places, at(3_000), 10).await.expect("found").iter().all(Vec::is_empty));
}

/// Clause 1.
pub async fn of_many_who_enter_at_once_all_are_present(store: Store) {
    race((0..8).map(|node| {
        let store = Arc::clone(&store);
        async move {
            for n in 0..25 {
                entered(&store, &[stay("lnk", node * 100 + n), stay(&format!("of-{n}"), node)], at(1_000)).await;
            }
        }
    }))
    .await;
    let all: Vec<_> = (0..8).flat_map(|node| (0..25).map(move |n| node * 100 + n)).collect();
    assert_eq!(numbers(&store, "lnk", at(1_000)).await, all);
    for n in 0..25 {
        assert_eq!(numbers(&store, &format!("of-{n}"), at(1_000)).await, [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}

/// Clause 3: batches that name the same sessions in opposite orders come through, and none counts twice.
pub async fn of_many_who_enter_one_session_at_once_it_is_there_once(store: Store) {
    race((0..8).map(|node| {
        let store = Arc::clone(&store);
        async move {
            let mut stays: Vec<_> = (0..50).map(|n| stay("lnk", n)).collect();
            if node % 2 == 0 {
                stays.reverse();
            }
            for round in 0..10 {
                store.enter(&stays, at(100 + round), LIVES).await.expect("entered");
            }
        }
    }))
    .await;
    assert_eq!(numbers(&store, "lnk", just_before(end(at(109)))).await, (0..50).collect::<Vec<_>>());
    assert_eq!(numbers(&store, "lnk", end(at(109))).await, [0; 0]);
}

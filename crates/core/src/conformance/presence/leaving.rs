//! Clause 4: left is left.

use std::sync::Arc;

use super::{Store, end, entered, entered_for, left, numbers, place, presence, stay};
use crate::conformance::fixtures::at;
use crate::conformance::race;
use crate::credentials::Actor;
use crate::ids::UserId;
use crate::push::presence::{Presence, Stay};

/// Clause 4.
pub async fn who_left_is_gone_at_once_and_the_others_stay(store: Store) {
    entered(&store, &[stay("lnk", 1), stay("lnk", 2), stay("lnk", 3)], at(10)).await;
    left(&store, &[stay("lnk", 2)]).await;
    assert_eq!(numbers(&store, "lnk", at(10)).await, [1, 3]);
    left(&store, &[stay("lnk", 1), stay("lnk", 3)]).await;
    assert_eq!(numbers(&store, "lnk", at(10)).await, [0; 0]);
}

/// Clause 4.
pub async fn whoever_they_were_it_is_the_session_that_leaves(store: Store) {
    entered(&store, &[stay("lnk", 1)], at(10)).await;
    let actor = Actor::User(UserId::from_bytes([3; 16]));
    let other = Presence { actor, since: at(99), ..presence(1) };
    left(&store, &[Stay { place: place("lnk"), presence: other }]).await;
    assert_eq!(numbers(&store, "lnk", at(10)).await, [0; 0]);
}

/// Clause 4.
pub async fn who_leaves_one_place_stays_at_the_others(store: Store) {
    entered(&store, &[stay("one", 1), stay("other", 1)], at(10)).await;
    left(&store, &[stay("one", 1)]).await;
    assert_eq!(numbers(&store, "one", at(10)).await, [0; 0]);
    assert_eq!(numbers(&store, "other", at(10)).await, [1]);
}

/// Clause 4.
pub async fn who_is_not_there_leaves_without_complaint(store: Store) {
    left(&store, &[stay("lnk", 1)]).await;
    entered(&store, &[stay("lnk", 2)], at(10)).await;
    left(&store, &[stay("lnk", 1), stay("nobody", 2)]).await;
    assert_eq!(numbers(&store, "lnk", at(10)).await, [2]);
    left(&store, &[stay("lnk", 2)]).await;
    left(&store, &[stay("lnk", 2)]).await;
    assert_eq!(numbers(&store, "lnk", at(10)).await, [0; 0]);
}

/// Clause 4: nothing of the first time is left, its end included.
pub async fn who_left_may_enter_again_for_a_shorter_time(store: Store) {
    entered(&store, &[stay("lnk", 1)], at(10)).await;
    left(&store, &[stay("lnk", 1)]).await;
    entered_for(&store, &[stay("lnk", 1)], at(11), 5).await;
    assert_eq!(numbers(&store, "lnk", at(15)).await, [1]);
    assert_eq!(numbers(&store, "lnk", at(16)).await, [0; 0]);
    assert!(at(16) < end(at(10)));
}

/// Clause 4: while others enter, renew and leave in opposite orders.
pub async fn of_many_who_leave_at_once_all_are_gone(store: Store) {
    let crowd = |node: u64| -> Vec<Stay> { (0..50).map(|n| stay("lnk", node * 100 + n)).collect() };
    for node in 0..8 {
        entered(&store, &crowd(node), at(1_000)).await;
    }
    race((0..8).map(|node| {
        let store = Arc::clone(&store);
        async move {
            let (mut those, staying) = (crowd(node / 2), crowd(7));
            if node % 2 == 0 {
                those.reverse();
            }
            for _ in 0..5 {
                left(&store, &those).await;
                entered(&store, &staying, at(1_000)).await;
            }
        }
    }))
    .await;
    let staying: Vec<_> = (4..8).flat_map(|node| (0..50).map(move |n| node * 100 + n)).collect();
    assert_eq!(numbers(&store, "lnk", at(1_000)).await, staying);
}

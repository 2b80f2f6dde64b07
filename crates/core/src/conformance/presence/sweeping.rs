//! Clause 8: a sweep removes what is over, and nothing else.

use std::sync::Arc;

use super::{ALL, Store, end, entered, entered_for, left, numbers, stay};
use crate::conformance::fixtures::{at, just_before};
use crate::conformance::race;

async fn swept(store: &Store, now: jiff::Timestamp, limit: usize) -> usize {
    store.sweep(now, limit).await.expect("swept")
}

/// Clause 8: what is removed is not there for an earlier moment either.
pub async fn a_sweep_removes_what_is_over_and_nothing_else(store: Store) {
    entered(&store, &[stay("lnk", 1), stay("lnk", 2), stay("other", 1)], at(10)).await;
    entered(&store, &[stay("lnk", 3), stay("lnk", 2)], at(11)).await;
    assert_eq!(swept(&store, just_before(end(at(10))), ALL).await, 0);
    assert_eq!(numbers(&store, "lnk", at(11)).await, [1, 2, 3]);
    assert_eq!(swept(&store, end(at(10)), ALL).await, 2);
    assert_eq!(numbers(&store, "lnk", at(11)).await, [2, 3]);
    assert_eq!(numbers(&store, "other", at(11)).await, [0; 0]);
    assert_eq!(swept(&store, end(at(10)), ALL).await, 0);
    assert_eq!(swept(&store, end(at(11)), ALL).await, 2);
    assert_eq!(numbers(&store, "lnk", at(11)).await, [0; 0]);
}

/// Clause 8.
pub async fn a_sweep_keeps_to_its_limit(store: Store) {
    let stays: Vec<_> = (0..25).map(|n| stay(&format!("lnk-{}", n % 3), n)).collect();
    entered(&store, &stays, at(100)).await;
    assert_eq!(swept(&store, end(at(100)), 0).await, 0);
    assert_eq!(swept(&store, end(at(100)), 10).await, 10);
    let mut kept = 0;
    for n in 0..3 {
        kept += numbers(&store, &format!("lnk-{n}"), at(100)).await.len();
    }
    assert_eq!(kept, 15);
    assert_eq!(swept(&store, end(at(100)), 10).await, 10);
    assert_eq!(swept(&store, end(at(100)), 10).await, 5);
}

/// Clauses 4 and 8: who left leaves nothing behind.
pub async fn what_was_left_is_not_swept(store: Store) {
    entered(&store, &[stay("lnk", 1), stay("lnk", 2)], at(10)).await;
    left(&store, &[stay("lnk", 1)]).await;
    assert_eq!(swept(&store, end(at(10)), ALL).await, 1);
}

/// Clause 8: nothing of the first time is left, its end included.
pub async fn who_was_swept_may_enter_again(store: Store) {
    entered(&store, &[stay("lnk", 1)], at(10)).await;
    assert_eq!(swept(&store, end(at(10)), ALL).await, 1);
    entered_for(&store, &[stay("lnk", 1)], at(11), 5).await;
    assert_eq!(numbers(&store, "lnk", at(15)).await, [1]);
    assert_eq!(numbers(&store, "lnk", at(16)).await, [0; 0]);
    assert_eq!(swept(&store, at(16), ALL).await, 1);
}

/// Clause 8: whoever is renewed before the sweep, or after it, is there.
pub async fn a_sweep_that_races_with_renewals_takes_nobody_away(store: Store) {
    let stays: Vec<_> = (0..100).map(|n| stay("lnk", n)).collect();
    for round in 1..=10 {
        // Over when the sweeps come, unless the renewals come first.
        let before = at(1_000 * round);
        entered(&store, &stays, before).await;
        let now = end(before);
        race((0..4).map(|node| {
            let (store, stays) = (Arc::clone(&store), stays.clone());
            async move {
                match node {
                    0 | 1 => drop(swept(&store, now, ALL).await),
                    _ => entered(&store, &stays, now).await,
                }
            }
        }))
        .await;
        assert_eq!(numbers(&store, "lnk", now).await, (0..100).collect::<Vec<_>>(), "round {round}");
    }
}

//! Clauses 2 and 3: a presence is over at its moment, which renewals move.

use super::{Store, end, entered, entered_for, found, numbers, place, presence, stay};
use crate::conformance::fixtures::{at, just_before};

/// Clause 2: though nobody swept.
pub async fn a_presence_is_over_at_its_moment_and_not_before(store: Store) {
    entered(&store, &[stay("lnk", 1)], at(10)).await;
    entered(&store, &[stay("lnk", 2)], at(11)).await;
    assert_eq!(numbers(&store, "lnk", just_before(end(at(10)))).await, [1, 2]);
    assert_eq!(numbers(&store, "lnk", end(at(10))).await, [2]);
    assert_eq!(numbers(&store, "lnk", end(at(11))).await, [0; 0]);
}

/// Clause 2.
pub async fn a_question_from_a_clock_that_is_ahead_takes_nobody_away(store: Store) {
    entered(&store, &[stay("lnk", 1)], at(10)).await;
    assert_eq!(numbers(&store, "lnk", at(100_000)).await, [0; 0]);
    assert_eq!(numbers(&store, "lnk", at(10)).await, [1]);
}

/// Clause 3.
pub async fn a_renewal_moves_the_end(store: Store) {
    entered(&store, &[stay("lnk", 1), stay("lnk", 2)], at(10)).await;
    for renewal in [20, 30, 55] {
        entered(&store, &[stay("lnk", 1)], at(renewal)).await;
    }
    assert_eq!(numbers(&store, "lnk", end(at(10))).await, [1], "nobody else was renewed");
    assert_eq!(found(&store, &place("lnk"), just_before(end(at(55)))).await, [presence(1)], "since it came first");
    assert_eq!(numbers(&store, "lnk", end(at(55))).await, [0; 0]);
}

/// Clause 3: a call that was held up on its way.
pub async fn a_renewal_that_comes_late_does_not_bring_the_end_forward(store: Store) {
    entered(&store, &[stay("lnk", 1)], at(20)).await;
    entered(&store, &[stay("lnk", 1)], at(10)).await;
    entered_for(&store, &[stay("lnk", 1)], at(20), 1).await;
    assert_eq!(numbers(&store, "lnk", just_before(end(at(20)))).await, [1]);
    assert_eq!(numbers(&store, "lnk", end(at(20))).await, [0; 0]);
}

/// Clause 2.
pub async fn who_is_over_may_enter_again(store: Store) {
    entered(&store, &[stay("lnk", 1)], at(10)).await;
    let later = end(at(10)) + super::LIVES;
    assert_eq!(numbers(&store, "lnk", later).await, [0; 0]);
    entered(&store, &[stay("lnk", 1)], later).await;
    assert_eq!(numbers(&store, "lnk", later).await, [1]);
    assert_eq!(numbers(&store, "lnk", end(later)).await, [0; 0]);
}

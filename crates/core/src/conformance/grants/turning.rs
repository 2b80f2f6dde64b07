//! Clauses 3 and 4: turning tokens.

use std::sync::Arc;

use super::{Store, found, grant, grant_id, hash, kept, opened, token, turned};
use crate::Kind;
use crate::conformance::fixtures::at;
use crate::conformance::race;
use crate::credentials::SecretKind;
use crate::grants::{Ending, GrantToken, Turn};

/// Clause 3: as when a code becomes a refresh token.
pub async fn a_turned_token_is_used_up_and_its_successor_is_there(store: Store) {
    let code = GrantToken { kind: SecretKind::Code, binding: Some(hash(100)), ..token(1, 1) };
    store.open(&grant(1), &code).await.expect("opened");
    assert_eq!(turned(&store, 1, 2, at(60)).await, Turn::Done);
    assert_eq!(found(&store, 1).await, Some((grant(1), GrantToken { used_at: Some(at(60)), ..code })));
    assert_eq!(found(&store, 2).await, Some((grant(1), token(2, 1))));
    assert_eq!(turned(&store, 2, 3, at(70)).await, Turn::Done);
    assert_eq!(found(&store, 3).await, Some((grant(1), token(3, 1))));
    assert_eq!(kept(&store, 1).await, Some(grant(1)));
}

/// Clause 3: the moment is that of the first turn, however often it is asked.
pub async fn a_used_token_is_told_so_with_its_moment(store: Store) {
    opened(&store, &[grant(1)]).await;
    assert_eq!(turned(&store, 1, 2, at(60)).await, Turn::Done);
    for (successor, now) in [(2, 60), (3, 70), (4, 50)] {
        let told = turned(&store, 1, successor, at(now)).await;
        assert_eq!(told, Turn::Used { at: at(60), went_on: false });
    }
    assert_eq!((found(&store, 3).await, found(&store, 4).await), (None, None), "nothing was put beside it");
    assert_eq!(turned(&store, 2, 5, at(80)).await, Turn::Done);
    assert_eq!(turned(&store, 1, 3, at(90)).await, Turn::Used { at: at(60), went_on: true });
}

/// Clause 3: neither by earlier ones nor by those of another grant.
pub async fn whether_it_went_on_is_told_by_later_tokens_of_the_same_grant(store: Store) {
    opened(&store, &[grant(1), grant(9)]).await;
    for (used, successor) in [(1, 2), (2, 3)] {
        assert_eq!(turned(&store, used, successor, at(60)).await, Turn::Done);
    }
    let elsewhere = store.turn(hash(9), &token(10, 9), at(70)).await.expect("an outcome");
    assert_eq!(elsewhere, Turn::Done);
    let elsewhere = store.turn(hash(10), &token(11, 9), at(71)).await.expect("an outcome");
    assert_eq!(elsewhere, Turn::Done);
    assert_eq!(turned(&store, 2, 20, at(80)).await, Turn::Used { at: at(60), went_on: false });
    assert_eq!(turned(&store, 1, 20, at(80)).await, Turn::Used { at: at(60), went_on: true });
}

/// Clause 3: in a race.
pub async fn of_many_who_turn_a_token_one_is_done(store: Store) {
    opened(&store, &[grant(1)]).await;
    let tries = (100..130).map(|n| {
        let store = Arc::clone(&store);
        async move { (n, turned(&store, 1, n, at(60)).await) }
    });
    let told = race(tries).await;
    assert_eq!(told.iter().filter(|(_, turn)| *turn == Turn::Done).count(), 1, "{told:?}");
    for (n, turn) in told {
        let is_there = found(&store, n).await.is_some();
        match turn {
            Turn::Done => assert!(is_there),
            turn => assert!(turn == Turn::Used { at: at(60), went_on: false } && !is_there, "{turn:?}"),
        }
    }
}

/// Clause 3: in a race of those who draw the successor from the token, and so all the same one.
pub async fn of_many_who_turn_a_token_to_one_successor_one_is_done(store: Store) {
    opened(&store, &[grant(1)]).await;
    let tries = (0..30).map(|_| {
        let store = Arc::clone(&store);
        async move { turned(&store, 1, 2, at(60)).await }
    });
    let told = race(tries).await;
    let used = Turn::Used { at: at(60), went_on: false };
    assert_eq!(told.iter().filter(|turn| **turn == Turn::Done).count(), 1, "{told:?}");
    assert_eq!(told.iter().filter(|turn| **turn == used).count(), 29, "{told:?}");
    assert_eq!(found(&store, 2).await, Some((grant(1), token(2, 1))));
}

/// Of [`Turn::Unknown`].
pub async fn an_unknown_token_is_not_turned(store: Store) {
    opened(&store, &[grant(1)]).await;
    assert_eq!(turned(&store, 9, 2, at(60)).await, Turn::Unknown);
    assert_eq!(found(&store, 2).await, None);
    assert_eq!(turned(&store, 1, 2, at(60)).await, Turn::Done);
}

/// Clause 4: neither one that is unused nor one that was used.
pub async fn a_token_of_an_ended_grant_is_not_turned(store: Store) {
    opened(&store, &[grant(1)]).await;
    assert_eq!(turned(&store, 1, 2, at(60)).await, Turn::Done);
    assert_eq!(store.end(Ending::Grant(grant_id(1)), at(70)).await.expect("a count"), 1);
    for used in [1, 2] {
        assert_eq!(turned(&store, used, 3, at(80)).await, Turn::Unknown);
    }
    assert_eq!(found(&store, 3).await, None);
    assert_eq!(found(&store, 2).await.map(|(_, token)| token.used_at), Some(None));
}

/// Clauses 3 and 4: in a race, again and again.
pub async fn a_turn_that_races_with_the_end_comes_before_it_or_not_at_all(store: Store) {
    for n in 1..=20 {
        opened(&store, &[grant(n)]).await;
        let (turns, ends) = (Arc::clone(&store), Arc::clone(&store));
        let turns = async move { turns.turn(hash(n), &token(n + 100, n), at(60)).await.expect("an outcome") };
        let ends = async move {
            ends.end(Ending::Grant(grant_id(n)), at(60)).await.expect("a count");
            // Once the end is told, no token is turned any more.
            ends.turn(hash(n), &token(n + 200, n), at(61)).await.expect("an outcome")
        };
        let (turn, after) = tokio::join!(tokio::spawn(turns), tokio::spawn(ends));
        let turn = turn.expect("no racer panics");
        assert_eq!(after.expect("no racer panics"), Turn::Unknown);
        assert_eq!(found(&store, n + 100).await.is_some(), turn == Turn::Done, "{turn:?}");
        assert!(matches!(turn, Turn::Done | Turn::Unknown), "{turn:?}");
        assert_eq!(found(&store, n + 200).await, None);
    }
}

/// Of the errors: the token is as good as before.
pub async fn under_a_successors_hash_that_is_there_nothing_changes(store: Store) {
    opened(&store, &[grant(1), grant(2)]).await;
    for taken in [1, 2] {
        let refused = store.turn(hash(1), &token(taken, 1), at(60)).await.expect_err("the hash is there");
        assert_eq!(refused.kind(), Kind::Conflict);
        assert_eq!(found(&store, 1).await, Some((grant(1), token(1, 1))));
        assert_eq!(found(&store, 2).await, Some((grant(2), token(2, 2))));
    }
    assert_eq!(turned(&store, 1, 3, at(60)).await, Turn::Done);
}

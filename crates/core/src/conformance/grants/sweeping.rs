//! Clause 7: what is over is forgotten.

use std::sync::Arc;

use super::{Store, found, grant, hash, kept, opened, token, turned};
use crate::conformance::fixtures::at;
use crate::conformance::race;
use crate::grants::{Grant, GrantToken, Turn};
use crate::ids::TokenId;

/// A bound that no case but those about bounds reaches.
const PLENTY: u32 = 1_000;

async fn swept(store: &Store, before: i64, limit: u32) -> u64 {
    store.sweep(at(before), limit).await.expect("a count")
}

async fn left(store: &Store, of: std::ops::RangeInclusive<u8>) -> Vec<u8> {
    let mut left = Vec::new();
    for n in of {
        if kept(store, n).await.is_some() {
            left.push(n);
        }
    }
    left
}

/// Clause 7: by whichever came first.
pub async fn a_sweep_forgets_grants_that_were_over_before_its_moment_and_no_others(store: Store) {
    let over = |n, expires_at, ended_at: Option<i64>| Grant {
        expires_at: at(expires_at),
        ended_at: ended_at.map(at),
        ..grant(n)
    };
    let grants = [
        over(1, 499, None),
        over(2, 500, None),
        over(3, 10_000, Some(499)),
        over(4, 10_000, Some(500)),
        over(5, 499, Some(400)),
        over(6, 10_000, None),
    ];
    opened(&store, &grants).await;
    assert_eq!(swept(&store, 0, PLENTY).await, 0);
    assert_eq!(left(&store, 1..=6).await, [1, 2, 3, 4, 5, 6]);
    assert_eq!(swept(&store, 500, PLENTY).await, 3);
    assert_eq!(left(&store, 1..=6).await, [2, 4, 6]);
    for n in [2, 4, 6] {
        let kept = grants[usize::from(n) - 1].clone();
        assert_eq!(found(&store, n).await, Some((kept, token(n, n))), "with its token");
    }
    assert_eq!(swept(&store, 500, PLENTY).await, 0);
    assert_eq!(swept(&store, 501, PLENTY).await, 2);
    assert_eq!(left(&store, 1..=6).await, [6]);
}

/// Clause 7: all of them, used or not.
pub async fn a_forgotten_grant_takes_its_tokens_along(store: Store) {
    opened(&store, &[Grant { expires_at: at(400), ..grant(1) }, grant(9)]).await;
    assert_eq!(turned(&store, 1, 2, at(60)).await, Turn::Done);
    assert_eq!(turned(&store, 2, 3, at(70)).await, Turn::Done);
    assert_eq!(swept(&store, 500, PLENTY).await, 1);
    for n in 1..=3 {
        assert_eq!(found(&store, n).await, None);
        assert_eq!(turned(&store, n, 20, at(80)).await, Turn::Unknown);
    }
    opened(&store, &[grant(2)]).await;
    assert_eq!(found(&store, 2).await, Some((grant(2), token(2, 2))), "its hash is free again");
    assert_eq!(found(&store, 9).await, Some((grant(9), token(9, 9))));
}

/// Clause 7: a trail of years is not kept, and what is told of the tokens that are left stays.
pub async fn a_token_that_was_over_goes_before_its_grant(store: Store) {
    store.open(&grant(1), &GrantToken { expires_at: at(499), ..token(1, 1) }).await.expect("opened");
    let second = GrantToken { expires_at: at(500), ..token(2, 1) };
    assert_eq!(store.turn(hash(1), &second, at(60)).await.expect("an outcome"), Turn::Done);
    assert_eq!(turned(&store, 2, 3, at(70)).await, Turn::Done);
    assert_eq!(turned(&store, 3, 4, at(80)).await, Turn::Done);
    assert_eq!(swept(&store, 500, PLENTY).await, 1);
    assert_eq!(found(&store, 1).await, None);
    assert_eq!(kept(&store, 1).await, Some(grant(1)));
    assert_eq!(found(&store, 4).await, Some((grant(1), token(4, 1))));
    assert_eq!(turned(&store, 1, 9, at(90)).await, Turn::Unknown);
    assert_eq!(turned(&store, 2, 9, at(90)).await, Turn::Used { at: at(70), went_on: true });
}

/// Clause 7: and not before.
pub async fn a_denial_is_forgotten_after_its_end(store: Store) {
    let ids = [1, 2].map(|n| TokenId::from_bytes([n; 16]));
    for (id, until) in ids.into_iter().zip([499, 500]) {
        store.deny(id, at(until)).await.expect("denied");
    }
    assert_eq!(swept(&store, 499, PLENTY).await, 0);
    assert!(store.is_denied(ids[0], at(498)).await.expect("a look"));
    assert_eq!(swept(&store, 500, PLENTY).await, 1);
    assert!(!store.is_denied(ids[0], at(498)).await.expect("a look"), "it is forgotten");
    assert!(store.is_denied(ids[1], at(498)).await.expect("a look"));
}

/// Clause 7: of each kind, so that no round takes long.
pub async fn a_sweep_keeps_to_its_limit(store: Store) {
    let grants: Vec<_> = (1..=10).map(|n| Grant { expires_at: at(400), ..grant(n) }).collect();
    opened(&store, &grants).await;
    let mut counts = Vec::new();
    for _ in 0..4 {
        counts.push(swept(&store, 500, 4).await);
    }
    assert_eq!(counts, [4, 4, 2, 0]);
    assert_eq!(left(&store, 1..=10).await, [0; 0]);
    for n in 1..=10 {
        store.deny(TokenId::from_bytes([n; 16]), at(400)).await.expect("denied");
        store.open(&grant(n), &GrantToken { expires_at: at(400), ..token(n, n) }).await.expect("opened");
    }
    let mut counts = Vec::new();
    for _ in 0..4 {
        counts.push(swept(&store, 500, 4).await);
    }
    assert_eq!(counts, [8, 8, 4, 0], "denials and tokens");
    assert_eq!(left(&store, 1..=10).await.len(), 10);
}

/// Clause 7: in a race, as of nodes that sweep at the same time.
pub async fn sweeps_at_once_forget_each_grant_once(store: Store) {
    let grants: Vec<_> = (1..=40).map(|n| Grant { expires_at: at(400), ..grant(n) }).collect();
    opened(&store, &grants).await;
    opened(&store, &[grant(50)]).await;
    let tries = (0..8).map(|_| {
        let store = Arc::clone(&store);
        async move { swept(&store, 500, 10).await }
    });
    let mut count: u64 = race(tries).await.into_iter().sum();
    // Those who found the rows of others taken have left them; what is left is taken now.
    count += swept(&store, 500, PLENTY).await;
    assert_eq!(count, 40);
    assert_eq!(left(&store, 1..=50).await, [50]);
}

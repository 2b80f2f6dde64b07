//! Clause 6: denied access tokens.

use std::sync::Arc;

use jiff::Timestamp;

use super::Store;
use crate::conformance::fixtures::{at, just_before};
use crate::conformance::race;
use crate::ids::TokenId;

fn token_id(n: u8) -> TokenId {
    TokenId::from_bytes([n; 16])
}

async fn is_denied(store: &Store, n: u8, now: Timestamp) -> bool {
    store.is_denied(token_id(n), now).await.expect("a look")
}

async fn denied(store: &Store, n: u8, until: i64) {
    store.deny(token_id(n), at(until)).await.expect("denied");
}

/// Clause 6: and no other token is; at once, though it was asked for before.
pub async fn a_denied_token_stays_so_until_its_moment(store: Store) {
    assert!(!is_denied(&store, 1, at(0)).await && !is_denied(&store, 2, at(0)).await);
    denied(&store, 1, 900).await;
    for now in [at(0), at(1), just_before(at(900))] {
        assert!(is_denied(&store, 1, now).await, "{now}");
    }
    assert!(!is_denied(&store, 1, at(900)).await);
    assert!(!is_denied(&store, 2, at(1)).await);
    assert!(is_denied(&store, 1, at(1)).await, "by each moment that is asked for");
}

/// Clause 6.
pub async fn a_later_moment_extends_a_denial_and_an_earlier_does_not_shorten_it(store: Store) {
    for (until, then) in [(100, 100), (300, 300), (200, 300), (300, 300)] {
        denied(&store, 1, until).await;
        assert!(is_denied(&store, 1, just_before(at(then))).await);
        assert!(!is_denied(&store, 1, at(then)).await);
    }
}

/// Clause 6: in a race.
pub async fn of_many_denials_of_one_token_the_last_moment_holds(store: Store) {
    let tries = (1..=30).map(|n| {
        let store = Arc::clone(&store);
        async move { denied(&store, 1, 100 * n).await }
    });
    race(tries).await;
    assert!(is_denied(&store, 1, just_before(at(3_000))).await);
    assert!(!is_denied(&store, 1, at(3_000)).await);
}

//! Who may carry out a request, and for how long.

use std::sync::Arc;

use crate::conformance::fixtures::{answer, at, claim, just_before, key, seconds};
use crate::conformance::race;
use crate::idempotency::{Claim, IdempotencyStore, Lease, Settled};

type Store = Arc<dyn IdempotencyStore>;

/// Claims and expects to be granted.
pub(super) async fn granted(store: &Store, request: &crate::idempotency::ClaimRequest) -> Lease {
    match store.claim(request).await.expect("a claim") {
        Claim::Granted(lease) => lease,
        other => panic!("expected a lease, got {other:?}"),
    }
}

/// Clause 1.
pub async fn of_a_hundred_claims_one_is_granted(store: Store) {
    let key = key("one-owner");
    let claims = (0..100).map(|token| {
        let (store, request) = (Arc::clone(&store), claim(&key, token, at(0)));
        async move { store.claim(&request).await.expect("a claim") }
    });
    let outcomes = race(claims).await;
    let granted = outcomes.iter().filter(|outcome| matches!(outcome, Claim::Granted(_))).count();
    let busy = outcomes.iter().filter(|outcome| matches!(outcome, Claim::Busy(_))).count();
    assert_eq!((granted, busy), (1, 99), "{outcomes:?}");
}

/// Clause 1: the wait that is told is no longer than the lease has left.
pub async fn a_busy_key_says_when_to_come_back(store: Store) {
    let key = key("busy");
    let first = claim(&key, 1, at(0));
    assert_eq!(granted(&store, &first).await, first.lease(), "the lease is the one that was asked for");
    match store.claim(&claim(&key, 2, at(20))).await.expect("a claim") {
        Claim::Busy(wait) => assert!(!wait.is_zero() && wait <= seconds(40), "40 s are left, told {wait:?}"),
        other => panic!("expected a busy key, got {other:?}"),
    }
    assert!(matches!(store.claim(&claim(&key, 3, just_before(at(60)))).await, Ok(Claim::Busy(_))));
}

/// Clause 2: at its moment, not a moment later.
pub async fn expired_lease_can_be_retaken(store: Store) {
    let key = key("expired");
    granted(&store, &claim(&key, 1, at(0))).await;
    let second = claim(&key, 2, at(60));
    assert_eq!(granted(&store, &second).await, second.lease());
    assert!(matches!(store.claim(&claim(&key, 3, at(61))).await, Ok(Claim::Busy(_))), "the new lease holds");
}

/// Clauses 1 and 2.
pub async fn of_many_who_retake_an_expired_lease_one_is_granted(store: Store) {
    let key = key("retaken-once");
    granted(&store, &claim(&key, 1_000, at(0))).await;
    let claims = (0..50).map(|token| {
        let (store, request) = (Arc::clone(&store), claim(&key, token, at(60)));
        async move { store.claim(&request).await.expect("a claim") }
    });
    let outcomes = race(claims).await;
    let granted = outcomes.iter().filter(|outcome| matches!(outcome, Claim::Granted(_))).count();
    assert_eq!(granted, 1);
}

/// Clause 2: of two keys whose leases ended, the one that was swept behaves as the one that was not.
pub async fn swept_and_expired_cannot_be_told_apart(store: Store) {
    let (lapsed, swept) = (key("lapsed"), key("swept"));
    granted(&store, &claim(&swept, 1, at(0))).await;
    assert_eq!(store.sweep(at(60), 10).await.expect("a sweep"), 1);
    granted(&store, &claim(&lapsed, 2, at(0))).await;
    for (token, key) in [(3, &lapsed), (4, &swept)] {
        let again = claim(key, token, at(60));
        let lease = granted(&store, &again).await;
        assert_eq!(store.complete(&lease, &answer(201), at(1_000)).await.expect("kept"), Settled::Kept);
        assert_eq!(store.claim(&claim(key, 5, at(61))).await.expect("a claim"), Claim::Replay(answer(201)));
    }
}

/// Clause 3.
pub async fn a_superseded_lease_cannot_complete(store: Store) {
    let key = key("fenced");
    let old = granted(&store, &claim(&key, 1, at(0))).await;
    let new = granted(&store, &claim(&key, 2, at(60))).await;
    assert_eq!(store.complete(&old, &answer(500), at(1_000)).await.expect("an outcome"), Settled::Superseded);
    assert!(matches!(store.claim(&claim(&key, 3, at(61))).await, Ok(Claim::Busy(_))), "the new lease still holds");
    assert_eq!(store.complete(&new, &answer(201), at(1_000)).await.expect("an outcome"), Settled::Kept);
    assert_eq!(store.complete(&old, &answer(500), at(1_000)).await.expect("an outcome"), Settled::Superseded);
    assert_eq!(store.claim(&claim(&key, 4, at(62))).await.expect("a claim"), Claim::Replay(answer(201)));
}

/// Clause 3.
pub async fn a_superseded_lease_cannot_release(store: Store) {
    let key = key("fenced");
    let old = granted(&store, &claim(&key, 1, at(0))).await;
    let new = granted(&store, &claim(&key, 2, at(60))).await;
    assert_eq!(store.release(&old).await.expect("an outcome"), Settled::Superseded);
    assert!(matches!(store.claim(&claim(&key, 3, at(61))).await, Ok(Claim::Busy(_))), "the new lease still holds");
    assert_eq!(store.complete(&new, &answer(201), at(1_000)).await.expect("an outcome"), Settled::Kept);
    assert_eq!(store.release(&new).await.expect("an outcome"), Settled::Superseded, "an answer is not given back");
    assert_eq!(store.claim(&claim(&key, 4, at(62))).await.expect("a claim"), Claim::Replay(answer(201)));
}

/// Clause 6: another owner, and another request, may have the key at once.
pub async fn a_released_lease_is_as_if_never_granted(store: Store) {
    let key = key("released");
    let lease = granted(&store, &claim(&key, 1, at(0))).await;
    assert_eq!(store.release(&lease).await.expect("an outcome"), Settled::Kept);
    let mut other = claim(&key, 2, at(0));
    other.fingerprint = crate::idempotency::Fingerprint::of("POST", "/v1/links", "", b"{\"other\":1}");
    assert_eq!(granted(&store, &other).await, other.lease());
}

/// Clauses 3 and 6.
pub async fn a_released_lease_cannot_complete(store: Store) {
    let key = key("released");
    let lease = granted(&store, &claim(&key, 1, at(0))).await;
    assert_eq!(store.release(&lease).await.expect("an outcome"), Settled::Kept);
    assert_eq!(store.complete(&lease, &answer(201), at(1_000)).await.expect("an outcome"), Settled::Superseded);
    granted(&store, &claim(&key, 2, at(1))).await;
}

/// Clause 2: neither a lease that runs nor an answer that is kept.
pub async fn sweep_takes_only_what_is_over(store: Store) {
    let (running, lapsed, kept, over) = (key("running"), key("lapsed"), key("kept"), key("over"));
    granted(&store, &claim(&running, 1, at(50))).await;
    granted(&store, &claim(&lapsed, 2, at(0))).await;
    let lease = granted(&store, &claim(&kept, 3, at(0))).await;
    store.complete(&lease, &answer(200), at(500)).await.expect("kept");
    let lease = granted(&store, &claim(&over, 4, at(0))).await;
    store.complete(&lease, &answer(200), at(100)).await.expect("kept");

    assert_eq!(store.sweep(at(100), 10).await.expect("a sweep"), 2, "the lapsed lease and the answer that is over");
    assert_eq!(store.sweep(at(100), 10).await.expect("a sweep"), 0);
    assert!(matches!(store.claim(&claim(&running, 5, at(100))).await, Ok(Claim::Busy(_))));
    assert_eq!(store.claim(&claim(&kept, 6, at(100))).await.expect("a claim"), Claim::Replay(answer(200)));
}

/// What `sweep` promises of its limit.
pub async fn sweep_keeps_to_its_limit(store: Store) {
    for n in 0..5 {
        granted(&store, &claim(&key(&format!("key-{n}")), n, at(0))).await;
    }
    let mut swept = Vec::new();
    for _ in 0..4 {
        swept.push(store.sweep(at(60), 2).await.expect("a sweep"));
    }
    assert_eq!(swept, [2, 2, 1, 0]);
}

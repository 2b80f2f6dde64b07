//! What is replayed, and what a key stands for.

use std::sync::Arc;

use bytes::Bytes;

use super::leases::granted;
use crate::conformance::fixtures::{answer, at, claim, just_before, key, workspace};
use crate::idempotency::{Answer, Claim, ClaimRequest, Fingerprint, IdempotencyStore, ScopedKey, Settled};

type Store = Arc<dyn IdempotencyStore>;

fn other_request(key: &ScopedKey, token: u64, now: jiff::Timestamp) -> ClaimRequest {
    let fingerprint = Fingerprint::of("POST", "/v1/links", "", b"{\"slug\":\"other\"}");
    ClaimRequest { fingerprint, ..claim(key, token, now) }
}

/// Clause 5: status, headers in their order and with their repetitions, and a body that is no text.
pub async fn the_answer_is_replayed_byte_for_byte(store: Store) {
    let key = key("replayed");
    let lease = granted(&store, &claim(&key, 1, at(0))).await;
    assert_eq!(store.complete(&lease, &answer(201), at(1_000)).await.expect("an outcome"), Settled::Kept);
    for token in 2..5 {
        assert_eq!(store.claim(&claim(&key, token, at(500))).await.expect("a claim"), Claim::Replay(answer(201)));
    }
}

/// Clause 5.
pub async fn an_empty_answer_is_replayed(store: Store) {
    let key = key("empty");
    let empty = Answer { status: 204, headers: Vec::new(), body: Bytes::new() };
    let lease = granted(&store, &claim(&key, 1, at(0))).await;
    store.complete(&lease, &empty, at(1_000)).await.expect("kept");
    assert_eq!(store.claim(&claim(&key, 2, at(1))).await.expect("a claim"), Claim::Replay(empty));
}

/// Clause 2: it outlives its lease, and ends at its own moment.
pub async fn an_answer_is_over_at_its_moment(store: Store) {
    let key = key("kept-for-a-while");
    let lease = granted(&store, &claim(&key, 1, at(0))).await;
    store.complete(&lease, &answer(201), at(1_000)).await.expect("kept");
    let late = claim(&key, 2, just_before(at(1_000)));
    assert_eq!(store.claim(&late).await.expect("a claim"), Claim::Replay(answer(201)));
    let over = claim(&key, 3, at(1_000));
    assert_eq!(store.claim(&over).await.expect("a claim"), Claim::Granted(over.lease()));
}

/// Clause 3: the first answer is the answer.
pub async fn a_spent_lease_cannot_answer_again(store: Store) {
    let key = key("spent");
    let lease = granted(&store, &claim(&key, 1, at(0))).await;
    store.complete(&lease, &answer(201), at(1_000)).await.expect("kept");
    store.complete(&lease, &answer(500), at(2_000)).await.expect("an outcome");
    assert_eq!(store.claim(&claim(&key, 2, at(1))).await.expect("a claim"), Claim::Replay(answer(201)));
}

/// Clause 4.
pub async fn another_request_under_a_running_key_is_a_mismatch(store: Store) {
    let key = key("mismatch");
    let lease = granted(&store, &claim(&key, 1, at(0))).await;
    assert_eq!(store.claim(&other_request(&key, 2, at(1))).await.expect("a claim"), Claim::Mismatch);
    assert_eq!(store.complete(&lease, &answer(201), at(1_000)).await.expect("an outcome"), Settled::Kept);
}

/// Clause 4.
pub async fn another_request_under_an_answered_key_is_a_mismatch(store: Store) {
    let key = key("mismatch");
    let lease = granted(&store, &claim(&key, 1, at(0))).await;
    store.complete(&lease, &answer(201), at(1_000)).await.expect("kept");
    assert_eq!(store.claim(&other_request(&key, 2, at(100))).await.expect("a claim"), Claim::Mismatch);
    assert_eq!(store.claim(&claim(&key, 3, at(100))).await.expect("a claim"), Claim::Replay(answer(201)));
}

/// Clauses 2 and 4: what is over leaves no fingerprint behind, swept or not.
pub async fn a_key_that_is_over_may_stand_for_another_request(store: Store) {
    let (lapsed, answered) = (key("lapsed"), key("answered"));
    granted(&store, &claim(&lapsed, 1, at(0))).await;
    let lease = granted(&store, &claim(&answered, 2, at(0))).await;
    store.complete(&lease, &answer(201), at(60)).await.expect("kept");
    for (token, key) in [(3, &lapsed), (4, &answered)] {
        let other = other_request(key, token, at(60));
        assert_eq!(store.claim(&other).await.expect("a claim"), Claim::Granted(other.lease()));
        assert_eq!(store.claim(&claim(key, 5, at(61))).await.expect("a claim"), Claim::Mismatch);
    }
}

/// Clause 7.
pub async fn the_same_key_in_two_workspaces_is_two_keys(store: Store) {
    let ours = key("walled");
    let theirs = ScopedKey { workspace: workspace(2), ..ours.clone() };
    let lease = granted(&store, &claim(&ours, 1, at(0))).await;
    let their_lease = granted(&store, &other_request(&theirs, 2, at(0))).await;
    store.complete(&lease, &answer(201), at(1_000)).await.expect("kept");
    assert!(matches!(store.claim(&other_request(&theirs, 3, at(1))).await, Ok(Claim::Busy(_))));
    assert_eq!(store.release(&their_lease).await.expect("an outcome"), Settled::Kept);
    assert_eq!(store.claim(&claim(&ours, 4, at(1))).await.expect("a claim"), Claim::Replay(answer(201)));
}

/// Clause 7, of the key itself.
pub async fn keys_differ_by_case(store: Store) {
    granted(&store, &claim(&key("Key"), 1, at(0))).await;
    granted(&store, &claim(&key("key"), 2, at(0))).await;
}

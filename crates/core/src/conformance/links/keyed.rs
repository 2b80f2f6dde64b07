//! Clauses 2 and 4: the keyed answer, and the lease that it is given under.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{inserted, kept, told};
use crate::conformance::Stores;
use crate::conformance::fixtures::{answer, at, claim, event, insert, key, link, plain};
use crate::conformance::race;
use crate::idempotency::{Answer, Claim, Lease, ScopedKey, Settled};
use crate::links::{Atomicity, Change, Keyed, Link, LinkWrite, Outcome, Refusal, Written};
use bytes::Bytes;

async fn granted(stores: &Stores, key: &ScopedKey, token: u64, now: i64) -> Lease {
    match stores.idempotency.claim(&claim(key, token, at(now))).await.expect("a claim") {
        Claim::Granted(lease) => lease,
        other => panic!("expected a lease, got {other:?}"),
    }
}

async fn replayed(stores: &Stores, key: &ScopedKey) -> Claim {
    stores.idempotency.claim(&claim(key, 99, at(100))).await.expect("a claim")
}

/// An answer that tells the outcomes.
fn telling(outcomes: &[Outcome]) -> Answer {
    Answer { body: Bytes::from(format!("{outcomes:?}")), ..answer(207) }
}

async fn write(
    stores: &Stores,
    lease: &Lease,
    changes: Vec<(Change, Option<crate::events::Event>)>,
    atomicity: Atomicity,
) -> Written {
    let answer = |outcomes: &[Outcome]| Some(telling(outcomes));
    let keyed = Some(Keyed { lease, keep_until: at(1_000), answer: &answer });
    stores.links.write(LinkWrite { keyed, ..plain(atomicity, changes) }).await.expect("a write")
}

/// Clause 2.
pub async fn the_answer_is_kept_with_the_change(stores: Stores) {
    let (key, link) = (key("create"), link(1));
    let lease = granted(&stores, &key, 1, 0).await;
    let changes = vec![(insert(&link), Some(event(1, "lnk_a")))];
    assert_eq!(write(&stores, &lease, changes, Atomicity::All).await, Written::Committed(vec![Ok(())]));
    assert_eq!(kept(&stores, &link).await, Some(link));
    assert_eq!(replayed(&stores, &key).await, Claim::Replay(telling(&[Ok(())])));
    assert_eq!(told(&stores).await, [event(1, "lnk_a")]);
    let over = claim(&key, 5, at(1_000));
    assert_eq!(stores.idempotency.claim(&over).await.expect("a claim"), Claim::Granted(over.lease()), "until then");
}

/// Clause 2: the store calls it once, with an outcome for each change in order.
pub async fn the_answer_is_made_once_from_every_outcome(stores: Stores) {
    let lease = granted(&stores, &key("once"), 1, 0).await;
    let taken = link(1);
    inserted(&stores, std::slice::from_ref(&taken)).await;
    let calls = AtomicUsize::new(0);
    let make = |outcomes: &[Outcome]| {
        calls.fetch_add(1, Ordering::SeqCst);
        Some(telling(outcomes))
    };
    let rival = Link { slug: taken.slug, ..link(3) };
    let changes = vec![(insert(&link(2)), None), (insert(&rival), None), (insert(&link(4)), None)];
    let keyed = Some(Keyed { lease: &lease, keep_until: at(1_000), answer: &make });
    let done = stores.links.write(LinkWrite { keyed, ..plain(Atomicity::Each, changes) }).await.expect("a write");
    let outcomes = vec![Ok(()), Err(Refusal::SlugTaken), Ok(())];
    assert_eq!(replayed(&stores, &key("once")).await, Claim::Replay(telling(&outcomes)));
    assert_eq!((done, calls.into_inner()), (Written::Committed(outcomes), 1));
}

/// Clause 2: the changes are undone, the answer that tells so is kept.
pub async fn a_refusal_is_answered_too(stores: Stores) {
    let (key, taken) = (key("refused"), link(1));
    inserted(&stores, std::slice::from_ref(&taken)).await;
    let lease = granted(&stores, &key, 1, 0).await;
    let rival = Link { slug: taken.slug, ..link(2) };
    let changes = vec![(insert(&rival), Some(event(1, "lnk_a")))];
    let outcomes = vec![Err(Refusal::SlugTaken)];
    assert_eq!(write(&stores, &lease, changes, Atomicity::All).await, Written::Committed(outcomes.clone()));
    assert_eq!(replayed(&stores, &key).await, Claim::Replay(telling(&outcomes)));
    assert_eq!(told(&stores).await, []);
}

/// Clause 2: of several, those that were taken along included.
pub async fn a_refused_change_among_others_is_answered_with_all_outcomes(stores: Stores) {
    let (key, taken) = (key("refused"), link(1));
    inserted(&stores, std::slice::from_ref(&taken)).await;
    let lease = granted(&stores, &key, 1, 0).await;
    let rival = Link { slug: taken.slug, ..link(3) };
    let links = [link(2), rival, link(4)];
    let changes = links.iter().zip(1..).map(|(link, n)| (insert(link), Some(event(n, "lnk_a")))).collect();
    let outcomes = vec![Err(Refusal::Undone), Err(Refusal::SlugTaken), Err(Refusal::Undone)];
    assert_eq!(write(&stores, &lease, changes, Atomicity::All).await, Written::Committed(outcomes.clone()));
    assert_eq!(replayed(&stores, &key).await, Claim::Replay(telling(&outcomes)));
    assert_eq!(kept(&stores, &link(2)).await, None);
    assert_eq!(told(&stores).await, []);
}

/// Clause 2: where no answer is made, the lease goes on, and the caller tries something else under it.
pub async fn no_answer_leaves_the_lease_as_it_is(stores: Stores) {
    let (key, taken) = (key("another-try"), link(1));
    inserted(&stores, std::slice::from_ref(&taken)).await;
    let lease = granted(&stores, &key, 1, 0).await;
    let rival = Link { slug: taken.slug, ..link(2) };
    let keyed = Some(Keyed { lease: &lease, keep_until: at(1_000), answer: &|_| None });
    let changes = vec![(insert(&rival), Some(event(1, "lnk_a")))];
    let done = stores.links.write(LinkWrite { keyed, ..plain(Atomicity::All, changes) }).await.expect("a write");
    assert_eq!(done, Written::Committed(vec![Err(Refusal::SlugTaken)]));
    let still_held = stores.idempotency.claim(&claim(&key, 2, at(1))).await.expect("a claim");
    assert!(matches!(still_held, Claim::Busy(_)), "{still_held:?}");
    let changes = vec![(insert(&link(3)), Some(event(2, "lnk_b")))];
    assert_eq!(write(&stores, &lease, changes, Atomicity::All).await, Written::Committed(vec![Ok(())]));
    assert_eq!(replayed(&stores, &key).await, Claim::Replay(telling(&[Ok(())])));
    assert_eq!(told(&stores).await, [event(2, "lnk_b")]);
}

/// Clause 4: neither the link, nor the event, nor the answer, nor the lease of the new owner.
pub async fn a_superseded_lease_changes_nothing(stores: Stores) {
    let (key, link) = (key("fenced"), link(1));
    let old = granted(&stores, &key, 1, 0).await;
    let new = granted(&stores, &key, 2, 60).await;
    for atomicity in [Atomicity::All, Atomicity::Each] {
        let changes = vec![(insert(&link), Some(event(1, "lnk_a")))];
        assert_eq!(write(&stores, &old, changes, atomicity).await, Written::Superseded);
    }
    assert_eq!(kept(&stores, &link).await, None);
    assert!(matches!(replayed(&stores, &key).await, Claim::Busy(_)), "the new owner still has the key");
    let kept_answer = stores.idempotency.complete(&new, &answer(201), at(1_000)).await.expect("an outcome");
    assert_eq!(kept_answer, Settled::Kept);
    assert_eq!(told(&stores).await, []);
}

/// Clause 4: what was given back is not there to write under.
pub async fn a_released_lease_changes_nothing(stores: Stores) {
    let (key, link) = (key("released"), link(1));
    let lease = granted(&stores, &key, 1, 0).await;
    stores.idempotency.release(&lease).await.expect("released");
    let changes = vec![(insert(&link), Some(event(1, "lnk_a")))];
    assert_eq!(write(&stores, &lease, changes, Atomicity::All).await, Written::Superseded);
    assert_eq!(kept(&stores, &link).await, None);
    granted(&stores, &key, 2, 1).await;
    assert_eq!(told(&stores).await, []);
}

/// Clause 4: one request a lease; its answer stands, and a second write under it changes nothing.
pub async fn a_spent_lease_changes_nothing(stores: Stores) {
    let key = key("spent");
    let lease = granted(&stores, &key, 1, 0).await;
    let first = vec![(insert(&link(1)), Some(event(1, "lnk_a")))];
    assert_eq!(write(&stores, &lease, first, Atomicity::All).await, Written::Committed(vec![Ok(())]));
    let second = vec![(insert(&link(2)), Some(event(2, "lnk_b")))];
    assert_eq!(write(&stores, &lease, second, Atomicity::All).await, Written::Superseded);
    assert_eq!(kept(&stores, &link(2)).await, None);
    assert_eq!(replayed(&stores, &key).await, Claim::Replay(telling(&[Ok(())])));
    assert_eq!(told(&stores).await.len(), 1);
}

/// Clause 4: in a race.
pub async fn of_many_writes_under_one_lease_one_is_made(stores: Stores) {
    let lease = granted(&stores, &key("raced"), 1, 0).await;
    let tries = (0..16).map(|n| {
        let (stores, lease) = (stores.clone(), lease.clone());
        async move {
            let changes = vec![(insert(&link(n)), Some(event(n, &format!("lnk_{n}"))))];
            write(&stores, &lease, changes, Atomicity::All).await
        }
    });
    let done = race(tries).await;
    let made = done.iter().filter(|done| matches!(done, Written::Committed(_))).count();
    assert_eq!(made, 1, "{done:?}");
    assert_eq!(told(&stores).await.len(), 1);
}

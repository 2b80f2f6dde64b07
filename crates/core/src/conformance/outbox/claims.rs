//! Who is given which entry, and in which order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::conformance::fixtures::{at, event, just_before, seconds, workspace};
use crate::conformance::race;
use crate::conformance::wakes;
use crate::events::Event;
use crate::ids::EventId;
use crate::outbox::{Claimed, Outbox, Ruling, Verdict};

type Store = Arc<dyn Outbox>;

const LEASE: Duration = Duration::from_secs(30);

pub(super) async fn claimed(outbox: &Store, limit: usize, now: i64) -> Vec<Claimed> {
    outbox.claim(limit, at(now), LEASE).await.expect("a claim")
}

pub(super) fn ids(entries: &[Claimed]) -> Vec<EventId> {
    entries.iter().map(|entry| entry.event.id).collect()
}

pub(super) fn ids_of(events: &[Event]) -> Vec<EventId> {
    events.iter().map(|event| event.id).collect()
}

pub(super) fn verdict(entry: &Claimed, ruling: Ruling) -> Verdict {
    Verdict { entry: entry.entry, token: entry.token, ruling }
}

/// Clause 1: no field is lost on the way.
pub async fn what_was_appended_is_claimed_as_it_was(outbox: Store) {
    let full = event(1, "lnk_a");
    let bare = Event { traceparent: None, subject: None, version: 2, ..event(2, "") };
    outbox.append(&[full.clone(), bare.clone()]).await.expect("appended");
    let entries = claimed(&outbox, 10, 0).await;
    let events: Vec<_> = entries.iter().map(|entry| entry.event.clone()).collect();
    assert_eq!(events, [full, bare]);
    assert!(entries.iter().all(|entry| entry.attempts == 0));
}

/// Clause 1.
pub async fn an_empty_outbox_gives_nothing(outbox: Store) {
    outbox.append(&[]).await.expect("nothing is appended");
    assert_eq!(claimed(&outbox, 10, 0).await, []);
    assert_eq!(outbox.backlog().await.expect("a backlog"), Default::default());
    assert_eq!(outbox.dead(10).await.expect("the dead"), []);
    assert_eq!(outbox.redrive(10).await.expect("a number"), 0);
}

/// Clause 2, of the limit.
pub async fn a_claim_keeps_to_its_limit(outbox: Store) {
    let events: Vec<_> = (0..5).map(|n| event(n, &format!("lnk_{n}"))).collect();
    outbox.append(&events).await.expect("appended");
    let first = claimed(&outbox, 2, 0).await;
    let second = claimed(&outbox, 2, 0).await;
    let third = claimed(&outbox, 2, 0).await;
    assert_eq!([first.len(), second.len(), third.len()], [2, 2, 1]);
    assert_eq!([ids(&first), ids(&second), ids(&third)].concat(), ids_of(&events), "the oldest first");
}

/// Clause 4: within an append and from one to the next.
pub async fn entries_are_numbered_in_the_order_of_commits(outbox: Store) {
    let events: Vec<_> = (0..6).map(|n| event(6 - n, &format!("lnk_{n}"))).collect();
    for batch in events.chunks(2) {
        outbox.append(batch).await.expect("appended");
    }
    let entries = claimed(&outbox, 10, 0).await;
    assert_eq!(ids(&entries), ids_of(&events));
    assert!(entries.is_sorted_by(|one, next| one.entry < next.entry), "{entries:?}");
}

/// Clause 2: up to the last moment of the lease.
pub async fn a_claimed_entry_is_not_given_to_another(outbox: Store) {
    outbox.append(&[event(1, "lnk_a")]).await.expect("appended");
    assert_eq!(claimed(&outbox, 10, 0).await.len(), 1);
    assert_eq!(claimed(&outbox, 10, 0).await, []);
    assert_eq!(outbox.claim(10, just_before(at(30)), LEASE).await.expect("a claim"), []);
}

/// Clause 2: from the moment on at which the lease ends, under a new token.
pub async fn an_expired_claim_is_given_again(outbox: Store) {
    outbox.append(&[event(1, "lnk_a")]).await.expect("appended");
    let first = claimed(&outbox, 10, 0).await;
    let second = claimed(&outbox, 10, 30).await;
    assert_eq!(ids(&second), ids(&first));
    assert_eq!(second[0].entry, first[0].entry);
    assert_ne!(second[0].token, first[0].token, "a new lease has a token of its own");
    assert_eq!(claimed(&outbox, 10, 31).await, [], "the new lease holds");
}

/// Clause 2: however many claim at once.
pub async fn each_entry_goes_to_one_of_many_claimers(outbox: Store) {
    let events: Vec<_> = (0..200).map(|n| event(n, &format!("lnk_{n}"))).collect();
    outbox.append(&events).await.expect("appended");
    let claimers = (0..8).map(|_| {
        let outbox = Arc::clone(&outbox);
        async move {
            let mut mine = Vec::new();
            loop {
                let entries = claimed(&outbox, 7, 0).await;
                if entries.is_empty() {
                    return mine;
                }
                mine.extend(ids(&entries));
            }
        }
    });
    let given: Vec<EventId> = race(claimers).await.concat();
    assert_eq!(given.len(), 200, "none is given twice");
    assert_eq!(given.iter().copied().collect::<BTreeSet<_>>().len(), 200, "and each is given");
}

/// Clause 4.
pub async fn one_claim_may_hold_several_of_a_key_in_order(outbox: Store) {
    let events: Vec<_> = (0..4).map(|n| event(n, "lnk_a")).collect();
    outbox.append(&events).await.expect("appended");
    let mut seen = Vec::new();
    while seen.len() < 4 {
        let entries = claimed(&outbox, 10, 0).await;
        assert!(!entries.is_empty(), "the next of the key can be claimed once the last is settled");
        let acks: Vec<_> = entries.iter().map(|entry| verdict(entry, Ruling::Ack)).collect();
        assert_eq!(outbox.settle(&acks).await.expect("settled"), acks.len());
        seen.extend(ids(&entries));
    }
    assert_eq!(seen, ids_of(&events));
}

/// Clause 4: not while another holds it, nor by a claim that is too small to hold both.
pub async fn no_entry_overtakes_a_claimed_one_of_its_key(outbox: Store) {
    let events = [event(1, "lnk_a"), event(2, "lnk_a"), event(3, "lnk_b")];
    outbox.append(&events).await.expect("appended");
    let first = claimed(&outbox, 1, 0).await;
    assert_eq!(ids(&first), [events[0].id]);
    let others = claimed(&outbox, 10, 0).await;
    assert_eq!(ids(&others), [events[2].id], "another key goes ahead, the same key does not");
    assert_eq!(outbox.settle(&[verdict(&first[0], Ruling::Ack)]).await.expect("settled"), 1);
    assert_eq!(ids(&claimed(&outbox, 10, 0).await), [events[1].id]);
}

/// Clause 4: while the first waits for its retry, the second waits with it.
pub async fn no_entry_overtakes_a_waiting_one_of_its_key(outbox: Store) {
    let events = [event(1, "lnk_a"), event(2, "lnk_a"), event(3, "lnk_b")];
    outbox.append(&events).await.expect("appended");
    let first = claimed(&outbox, 1, 0).await;
    outbox.settle(&[verdict(&first[0], Ruling::Retry(at(100)))]).await.expect("settled");
    assert_eq!(ids(&claimed(&outbox, 10, 1).await), [events[2].id]);
    let again = claimed(&outbox, 1, 100).await;
    assert_eq!(ids(&again), [events[0].id], "the one that waited comes first");
}

/// Clause 4: in a race, with retries in between.
pub async fn entries_of_one_key_leave_in_order_however_many_claim(outbox: Store) {
    let events: Vec<_> = (0..60).map(|n| event(n, &format!("lnk_{}", n % 3))).collect();
    outbox.append(&events).await.expect("appended");
    let left = Arc::new(std::sync::Mutex::new(Vec::new()));
    let claimers = (0..6).map(|_| {
        let (outbox, left) = (Arc::clone(&outbox), Arc::clone(&left));
        async move {
            while outbox.backlog().await.expect("a backlog").waiting > 0 {
                for entry in claimed(&outbox, 4, 0).await {
                    // Written down before the ack: only then may the next of the key be claimed.
                    left.lock().expect("no panic").push(entry.clone());
                    outbox.settle(&[verdict(&entry, Ruling::Ack)]).await.expect("settled");
                }
                tokio::task::yield_now().await;
            }
        }
    });
    tokio::time::timeout(seconds(60), race(claimers)).await.expect("the outbox runs empty");
    let mut by_key = BTreeMap::<_, Vec<EventId>>::new();
    for entry in left.lock().expect("no panic").iter() {
        by_key.entry(entry.event.ordering_key()).or_default().push(entry.event.id);
    }
    assert_eq!(by_key.values().map(Vec::len).collect::<Vec<_>>(), [20, 20, 20]);
    assert!(by_key.values().all(|ids| ids.is_sorted_by(|one, next| one < next)), "{by_key:?}");
}

/// Clause 4: where there is no subject, the workspace is the key.
pub async fn events_without_a_subject_keep_their_workspaces_order(outbox: Store) {
    let bare = |n| Event { subject: None, ..event(n, "") };
    let foreign = Event { workspace: workspace(2), ..bare(3) };
    let events = [bare(1), bare(2), foreign];
    outbox.append(&events).await.expect("appended");
    claimed(&outbox, 1, 0).await;
    assert_eq!(ids(&claimed(&outbox, 10, 0).await), [events[2].id]);
}

/// Clause 6.
pub async fn wait_returns_after_an_append(outbox: Store) {
    let waiter = Arc::clone(&outbox);
    wakes(async move { waiter.wait().await }, async |n| {
        outbox.append(&[event(n, "lnk_a")]).await.expect("appended");
    })
    .await;
}

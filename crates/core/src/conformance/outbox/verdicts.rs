//! What becomes of an entry.

use std::sync::Arc;

use super::claims::{claimed, ids, ids_of, verdict};
use crate::conformance::fixtures::{at, event, just_before, seconds};
use crate::outbox::{Backlog, Outbox, Ruling, Verdict};

type Store = Arc<dyn Outbox>;

async fn settled(outbox: &Store, verdicts: &[Verdict]) -> usize {
    outbox.settle(verdicts).await.expect("settled")
}

/// Clause 5: for good, lease or no lease.
pub async fn ack_removes_the_entry(outbox: Store) {
    outbox.append(&[event(1, "lnk_a")]).await.expect("appended");
    let entries = claimed(&outbox, 10, 0).await;
    assert_eq!(settled(&outbox, &[verdict(&entries[0], Ruling::Ack)]).await, 1);
    assert_eq!(claimed(&outbox, 10, 10_000).await, []);
    assert_eq!(outbox.backlog().await.expect("a backlog"), Backlog::default());
}

/// Clause 5: at its moment, neither before nor only when the lease would have ended.
pub async fn retry_gives_the_entry_back_at_its_moment(outbox: Store) {
    for (n, retry_at) in [(1, 5), (2, 500)] {
        outbox.append(&[event(n, "lnk_a")]).await.expect("appended");
        let entries = claimed(&outbox, 10, 0).await;
        assert_eq!(settled(&outbox, &[verdict(&entries[0], Ruling::Retry(at(retry_at)))]).await, 1);
        let early = outbox.claim(10, just_before(at(retry_at)), seconds(30)).await.expect("a claim");
        assert_eq!(early, [], "not before {retry_at} s");
        let again = claimed(&outbox, 10, retry_at).await;
        assert_eq!(ids(&again), ids(&entries));
        settled(&outbox, &[verdict(&again[0], Ruling::Ack)]).await;
    }
}

/// Clause 5.
pub async fn each_retry_counts_one_attempt(outbox: Store) {
    outbox.append(&[event(1, "lnk_a")]).await.expect("appended");
    for attempts in 0..4 {
        let entries = claimed(&outbox, 10, 100).await;
        assert_eq!(entries[0].attempts, attempts);
        settled(&outbox, &[verdict(&entries[0], Ruling::Retry(at(100)))]).await;
    }
}

/// Clause 3: whatever the verdict is, and counted as none.
pub async fn a_superseded_verdict_changes_nothing(outbox: Store) {
    outbox.append(&[event(1, "lnk_a")]).await.expect("appended");
    let old = claimed(&outbox, 10, 0).await;
    let new = claimed(&outbox, 10, 30).await;
    for ruling in [Ruling::Ack, Ruling::Retry(at(0)), Ruling::Dead("late".to_owned())] {
        assert_eq!(settled(&outbox, &[verdict(&old[0], ruling.clone())]).await, 0, "{ruling:?}");
        assert_eq!(claimed(&outbox, 10, 31).await, [], "the new lease still holds after {ruling:?}");
    }
    assert_eq!(outbox.backlog().await.expect("a backlog").waiting, 1);
    assert_eq!(outbox.dead(10).await.expect("the dead"), []);
    assert_eq!(settled(&outbox, &[verdict(&new[0], Ruling::Ack)]).await, 1);
}

/// Clause 3: a lease that was settled is over.
pub async fn a_verdict_counts_once(outbox: Store) {
    outbox.append(&[event(1, "lnk_a"), event(2, "lnk_b")]).await.expect("appended");
    let entries = claimed(&outbox, 10, 0).await;
    let ack = verdict(&entries[0], Ruling::Ack);
    assert_eq!(settled(&outbox, std::slice::from_ref(&ack)).await, 1);
    assert_eq!(settled(&outbox, &[ack]).await, 0);
    let retry = verdict(&entries[1], Ruling::Retry(at(5)));
    assert_eq!(settled(&outbox, std::slice::from_ref(&retry)).await, 1);
    assert_eq!(settled(&outbox, &[retry, verdict(&entries[1], Ruling::Ack)]).await, 0);
    assert_eq!(claimed(&outbox, 10, 5).await[0].attempts, 1);
}

/// Clause 5: the next of its key goes ahead.
pub async fn a_dead_entry_holds_up_nobody(outbox: Store) {
    let events = [event(1, "lnk_a"), event(2, "lnk_a")];
    outbox.append(&events).await.expect("appended");
    let first = claimed(&outbox, 1, 0).await;
    assert_eq!(settled(&outbox, &[verdict(&first[0], Ruling::Dead("no".to_owned()))]).await, 1);
    assert_eq!(ids(&claimed(&outbox, 10, 0).await), [events[1].id]);
    assert_eq!(claimed(&outbox, 10, 29).await, [], "the dead are not claimed");
}

/// Clause 5.
pub async fn dead_entries_are_listed_with_their_reasons(outbox: Store) {
    let events: Vec<_> = (0..3).map(|n| event(n, &format!("lnk_{n}"))).collect();
    outbox.append(&events).await.expect("appended");
    let entries = claimed(&outbox, 10, 0).await;
    // Set aside in another order than the one they came in.
    for (at, reason) in [(2, "third"), (0, "first ü"), (1, "second")] {
        settled(&outbox, &[verdict(&entries[at], Ruling::Dead(reason.to_owned()))]).await;
    }
    let dead = outbox.dead(2).await.expect("the dead");
    assert_eq!(dead.iter().map(|entry| entry.reason.as_str()).collect::<Vec<_>>(), ["first ü", "second"]);
    assert_eq!(dead.iter().map(|entry| entry.entry).collect::<Vec<_>>(), [entries[0].entry, entries[1].entry]);
    assert_eq!(dead[0].event, events[0]);
}

/// Clause 5.
pub async fn redrive_gives_the_dead_back_with_no_attempts(outbox: Store) {
    outbox.append(&[event(1, "lnk_a")]).await.expect("appended");
    let entries = claimed(&outbox, 10, 0).await;
    settled(&outbox, &[verdict(&entries[0], Ruling::Retry(at(1)))]).await;
    let entries = claimed(&outbox, 10, 1).await;
    assert_eq!(entries[0].attempts, 1);
    settled(&outbox, &[verdict(&entries[0], Ruling::Dead("no".to_owned()))]).await;
    assert_eq!(claimed(&outbox, 10, 1_000).await, []);

    assert_eq!(outbox.redrive(10).await.expect("a number"), 1);
    assert_eq!(outbox.dead(10).await.expect("the dead"), []);
    let again = claimed(&outbox, 10, 2).await;
    assert_eq!((ids(&again), again[0].attempts), (ids(&entries), 0));
    let stale = verdict(&entries[0], Ruling::Ack);
    assert_eq!(settled(&outbox, &[stale]).await, 0, "the verdict of before is superseded");
}

/// Clause 5: up to the limit.
pub async fn redrive_takes_the_oldest_first(outbox: Store) {
    let events: Vec<_> = (0..3).map(|n| event(n, &format!("lnk_{n}"))).collect();
    outbox.append(&events).await.expect("appended");
    let entries = claimed(&outbox, 10, 0).await;
    let dead: Vec<_> = entries.iter().rev().map(|entry| verdict(entry, Ruling::Dead("no".to_owned()))).collect();
    assert_eq!(settled(&outbox, &dead).await, 3);
    assert_eq!(outbox.redrive(2).await.expect("a number"), 2);
    assert_eq!(ids(&claimed(&outbox, 10, 0).await), ids_of(&events[..2]));
    assert_eq!(outbox.dead(10).await.expect("the dead").len(), 1);
}

/// Clause 5: what waits, what is claimed and what is to be tried again; the dead apart.
pub async fn backlog_counts_what_waits(outbox: Store) {
    let events: Vec<_> = (1..=4).map(|n| event(n, &format!("lnk_{n}"))).collect();
    outbox.append(&events).await.expect("appended");
    let entries = claimed(&outbox, 3, 0).await;
    let all = Backlog { waiting: 4, oldest: Some(at(1)), dead: 0 };
    assert_eq!(outbox.backlog().await.expect("a backlog"), all, "a claim settles nothing");
    settled(&outbox, &[verdict(&entries[0], Ruling::Ack), verdict(&entries[1], Ruling::Dead("no".to_owned()))]).await;
    settled(&outbox, &[verdict(&entries[2], Ruling::Retry(at(1_000)))]).await;
    let rest = Backlog { waiting: 2, oldest: Some(at(3)), dead: 1 };
    assert_eq!(outbox.backlog().await.expect("a backlog"), rest);
}

/// Clause 3: verdicts of one call are judged one by one.
pub async fn one_verdict_does_not_touch_another_entry(outbox: Store) {
    let events: Vec<_> = (0..3).map(|n| event(n, &format!("lnk_{n}"))).collect();
    outbox.append(&events).await.expect("appended");
    let entries = claimed(&outbox, 10, 0).await;
    let foreign = Verdict { token: entries[0].token.wrapping_add(1_000_003), ..verdict(&entries[0], Ruling::Ack) };
    let unknown = Verdict { entry: entries[2].entry + 1_000, ..verdict(&entries[2], Ruling::Ack) };
    let good = verdict(&entries[1], Ruling::Ack);
    assert_eq!(settled(&outbox, &[foreign, unknown, good]).await, 1);
    assert_eq!(ids(&claimed(&outbox, 10, 30).await), [events[0].id, events[2].id]);
}

//! Clause 5: deliveries with a key come one after the other.

use std::collections::BTreeMap;

use super::scene::{ALL, about, arrived, attempt, delivery, given_up, ids, ids_of, ordered, retried, ruled};
use crate::conformance::Deliveries;
use crate::conformance::fixtures::{at, seconds, workspace};
use crate::webhooks::{Delivery, DeliveryRuling, DeliveryState, FailureClass, Redrive, Which};

/// So many deliveries of one key.
fn key(numbers: impl IntoIterator<Item = u64>) -> Vec<Delivery> {
    numbers.into_iter().map(|n| about(&ordered(1), n, "lnk_a")).collect()
}

async fn redrive(on: &Deliveries, delivery: &Delivery, now: i64) {
    let again = Redrive { workspace: workspace(1), endpoint: delivery.endpoint, which: Which::One(delivery.id()) };
    assert_eq!(on.queue.redrive(&again, 1, at(now)).await.expect("a number"), 1);
}

/// Clause 5: whatever batch they come in; and one without a key waits for nobody.
pub async fn only_the_first_of_a_key_is_due(on: Deliveries) {
    on.register(&[ordered(1)]).await;
    let all = key(1..=3);
    let other = about(&ordered(1), 4, "lnk_b");
    let free = [5, 6].map(|n| Delivery { ordering: None, ..delivery(&ordered(1), n) });
    on.owe(&[all[0].clone(), all[1].clone(), other.clone(), free[0].clone()], 5).await;
    on.owe(&[all[2].clone(), free[1].clone()], 5).await;
    let claimed = on.claim_one(5).await;
    let expected = [&all[0], &other, &free[0], &free[1]].map(Delivery::id);
    assert_eq!(ids(&claimed.due), expected);
    assert_eq!(on.state(&all[0]).await, DeliveryState::Waiting(Some(at(5))));
    assert_eq!(on.state(&all[1]).await, DeliveryState::Waiting(None), "as soon as the first is settled");
    assert_eq!(on.state(&all[2]).await, DeliveryState::Waiting(None));
}

/// Clause 5: one by one, whoever holds the queue.
pub async fn the_next_of_a_key_is_due_once_the_first_has_arrived(on: Deliveries) {
    on.register(&[ordered(1)]).await;
    let all = key(1..=3);
    on.owe(&all, 5).await;
    let claimed = on.claim_one(5).await;
    on.keep(&claimed, vec![arrived(&all[0], 5)]).await;
    assert_eq!(on.due(&claimed, 6).await, [all[1].id()]);
    on.release(&claimed, vec![arrived(&all[1], 6)]).await;
    assert_eq!(ids(&on.claim_one(7).await.due), [all[2].id()]);
}

/// Clause 5: also where it was given up unsent.
pub async fn the_next_of_a_key_is_due_once_the_first_was_given_up(on: Deliveries) {
    on.register(&[ordered(1)]).await;
    let all = key(1..=3);
    on.owe(&all, 5).await;
    let claimed = on.claim_one(5).await;
    on.keep(&claimed, vec![given_up(&all[0], 5, FailureClass::Refused)]).await;
    assert_eq!(on.due(&claimed, 6).await, [all[1].id()]);
    on.keep(&claimed, vec![ruled(&all[1], None, DeliveryRuling::Fail("unsent".to_owned()))]).await;
    assert_eq!(on.due(&claimed, 6).await, [all[2].id()]);
}

/// Clause 5.
pub async fn a_retry_holds_up_its_key_and_no_other(on: Deliveries) {
    on.register(&[ordered(1)]).await;
    let all = key(1..=2);
    let others = [3, 4].map(|n| about(&ordered(1), n, "lnk_b"));
    on.owe(&[all.clone(), others.to_vec()].concat(), 5).await;
    let claimed = on.claim_one(5).await;
    on.keep(&claimed, vec![retried(&all[0], 1, 5, 60), arrived(&others[0], 5)]).await;
    assert_eq!(on.due(&claimed, 59).await, [others[1].id()]);
    on.owe(&key([9]), 59).await;
    assert_eq!(on.due(&claimed, 60).await, [others[1].id(), all[0].id()], "the head of the key, and none behind it");
    on.keep(&claimed, vec![ruled(&all[0], Some(attempt(2, 60, None)), DeliveryRuling::Delivered)]).await;
    assert_eq!(on.due(&claimed, 61).await.last(), Some(&all[1].id()));
}

/// Clause 5.
pub async fn what_was_redriven_goes_before_those_that_are_not_due(on: Deliveries) {
    on.register(&[ordered(1)]).await;
    let all = key(1..=4);
    on.owe(&all[..1], 5).await;
    let claimed = on.claim_one(5).await;
    on.keep(&claimed, vec![given_up(&all[0], 5, FailureClass::Broken)]).await;
    on.owe(&all[1..], 6).await;
    redrive(&on, &all[0], 7).await;
    // The second is due since before, and was perhaps sent. The first goes before the third, whichever arrives first.
    on.keep(&claimed, vec![arrived(&all[1], 8)]).await;
    assert_eq!(on.due(&claimed, 9).await, [all[0].id()]);
    assert_eq!(on.state(&all[2]).await, DeliveryState::Waiting(None));
    on.keep(&claimed, vec![arrived(&all[0], 9)]).await;
    assert_eq!(on.due(&claimed, 10).await, [all[2].id()]);
}

/// Clause 5.
pub async fn what_was_redriven_holds_up_none_that_is_due(on: Deliveries) {
    on.register(&[ordered(1)]).await;
    let all = key(1..=3);
    on.owe(&all, 5).await;
    let claimed = on.claim_one(5).await;
    on.keep(&claimed, vec![given_up(&all[0], 5, FailureClass::Broken)]).await;
    redrive(&on, &all[0], 7).await;
    let mut due = on.due(&claimed, 8).await;
    due.sort();
    assert_eq!(due, ids_of(&all[..2]), "the second was due before, and may be under way");
    on.keep(&claimed, vec![arrived(&all[0], 8)]).await;
    assert_eq!(on.due(&claimed, 9).await, [all[1].id()], "not the third: the second is still owed");
    on.keep(&claimed, vec![arrived(&all[1], 9)]).await;
    assert_eq!(on.due(&claimed, 10).await, [all[2].id()]);
}

/// Clause 5.
pub async fn every_endpoint_has_keys_of_its_own(on: Deliveries) {
    on.register(&[ordered(1), ordered(2)]).await;
    let [first, later] = [1, 2].map(|n| about(&ordered(1), n, "lnk_a"));
    let theirs = about(&ordered(2), 2, "lnk_a");
    on.owe(&[first.clone(), later, theirs.clone()], 5).await;
    let claimed = on.claim(ALL, 5).await;
    assert_eq!(claimed.len(), 2);
    let mut due: Vec<_> = claimed.iter().map(|claimed| ids(&claimed.due)).collect();
    due.sort();
    assert_eq!(due, [vec![first.id()], vec![theirs.id()]]);
}

/// Clause 5: over many calls, of which many fail.
pub async fn each_key_arrives_in_its_order(on: Deliveries) {
    on.register(&[ordered(1)]).await;
    let all: Vec<_> = (1..=60).map(|n| about(&ordered(1), n, &format!("lnk_{}", n % 4))).collect();
    for batch in all.chunks(7) {
        on.owe(batch, 100).await;
    }
    let mut by_key = BTreeMap::<_, Vec<_>>::new();
    let drain = async {
        let mut now = 100;
        while on.waiting().await > 0 {
            now += 1;
            for claimed in on.claim(ALL, now).await {
                let settled = claimed.due.iter().map(|due| {
                    let offset = due.delivery.position.offset;
                    if u64::from(due.attempts) < offset % 3 {
                        return retried(&due.delivery, due.attempts + 1, now, now + 2);
                    }
                    by_key.entry(due.delivery.ordering.clone()).or_default().push(offset);
                    ruled(&due.delivery, Some(attempt(due.attempts + 1, now, None)), DeliveryRuling::Delivered)
                });
                let settled = settled.collect();
                on.release(&claimed, settled).await;
            }
        }
    };
    tokio::time::timeout(seconds(60), drain).await.expect("the queue runs empty");
    assert_eq!(by_key.values().map(Vec::len).collect::<Vec<_>>(), [15; 4]);
    assert!(by_key.values().all(|offsets| offsets.is_sorted()), "{by_key:?}");
}

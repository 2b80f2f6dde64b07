//! Clauses 3, 6 and 7: what becomes of deliveries and of their queue.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::scene::{ALL, arrived, attempt, deliveries, delivery, given_up, ids, ids_of, retried, ruled, settlement};
use crate::conformance::fixtures::{at, seconds, workspace};
use crate::conformance::webhooks::endpoint;
use crate::conformance::{Deliveries, race};
use crate::webhooks::{
    DeliveryRuling, DeliveryState, Endpoint, FailureClass, Hold, Redrive, Room, Settlement, Standing, Which,
};

/// Clause 6.
pub async fn what_arrived_is_owed_no_more(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    let all = deliveries(&endpoint(1), 1..=2);
    on.owe(&all, 5).await;
    let claimed = on.claim_one(5).await;
    on.keep(&claimed, vec![arrived(&all[0], 6)]).await;
    assert_eq!((on.waiting().await, on.due(&claimed, 7).await), (1, vec![all[1].id()]));
    let (record, attempts) = on.record(&all[0]).await;
    assert_eq!((record.state, record.attempts, record.last), (DeliveryState::Delivered, 1, Some(attempts[0].clone())));
    assert_eq!((record.delivery, attempts), (all[0].clone(), vec![attempt(1, 6, None)]));
}

/// Clauses 6 and 7.
pub async fn what_is_tried_again_is_due_at_its_moment(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    let one = delivery(&endpoint(1), 1);
    on.owe(std::slice::from_ref(&one), 5).await;
    let claimed = on.claim_one(5).await;
    on.keep(&claimed, vec![retried(&one, 1, 5, 12)]).await;
    assert_eq!(on.state(&one).await, DeliveryState::Waiting(Some(at(12))));
    assert_eq!(on.due(&claimed, 11).await, []);
    on.keep(&claimed, vec![retried(&one, 2, 12, 20)]).await;
    let due = on.refill(&claimed, 20).await.expect("it is held").due;
    assert_eq!((ids(&due), due[0].attempts), (vec![one.id()], 2));
    assert_eq!((on.waiting().await, on.record(&one).await.1.len()), (1, 2));
}

/// Clause 6.
pub async fn what_was_given_up_is_owed_no_more_and_says_why(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    let one = delivery(&endpoint(1), 1);
    on.owe(std::slice::from_ref(&one), 5).await;
    let claimed = on.claim_one(5).await;
    on.keep(&claimed, vec![given_up(&one, 5, FailureClass::Tls)]).await;
    let (record, attempts) = on.record(&one).await;
    assert_eq!(record.state, DeliveryState::Failed("no \"tls\"".to_owned()));
    assert_eq!(attempts, [attempt(1, 5, Some(FailureClass::Tls))]);
    assert_eq!((on.waiting().await, on.due(&claimed, 99).await), (0, Vec::new()));
}

/// Clause 6: what is given up unsent.
pub async fn a_settlement_without_a_call_keeps_no_attempt(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    let all = deliveries(&endpoint(1), 1..=2);
    on.owe(&all, 5).await;
    let claimed = on.claim_one(5).await;
    let unsent = ruled(&all[0], None, DeliveryRuling::Fail("disabled".to_owned()));
    on.keep(&claimed, vec![unsent, ruled(&all[1], None, DeliveryRuling::Retry(at(9)))]).await;
    let (record, attempts) = on.record(&all[0]).await;
    assert_eq!(record.state, DeliveryState::Failed("disabled".to_owned()));
    assert_eq!((record.attempts, record.last, attempts), (0, None, Vec::new()));
    let due = on.refill(&claimed, 9).await.expect("it is held").due;
    assert_eq!((ids(&due), due[0].attempts), (vec![all[1].id()], 0));
}

/// Clause 3: neither what is owed, nor how the endpoint stands, nor who holds the queue.
pub async fn a_superseded_settlement_keeps_its_attempts_and_nothing_else(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    let all = deliveries(&endpoint(1), 1..=3);
    on.owe(&all, 0).await;
    let first = on.claim_one(0).await;
    let second = on.claim_one(30).await;
    let standing = Standing { failures: 9, paused_until: Some(at(999)), ..Standing::default() };
    let settled = vec![arrived(&all[0], 20), retried(&all[1], 1, 21, 500), given_up(&all[2], 22, FailureClass::Dns)];
    let late = Settlement { standing, ..settlement(&first, settled, Hold::Release) };
    assert_eq!(on.queue.settle(&[late]).await.expect("an answer"), []);
    let refilled = on.refill(&second, 31).await.expect("the other still holds it");
    assert_eq!(refilled, second, "with as many attempts as before");
    for (delivery, when) in all.iter().zip([20, 21, 22]) {
        let (record, attempts) = on.record(delivery).await;
        assert_eq!((record.state, record.attempts), (DeliveryState::Waiting(Some(at(0))), 1));
        assert_eq!(attempts[0].at, at(when));
    }
    on.release(&second, Vec::new()).await;
    assert!(!on.settle(&second, vec![arrived(&all[0], 33)], Hold::Keep).await, "given back is superseded too");
    assert_eq!(on.claim_one(34).await.due, second.due);
}

/// Of the errors: who does not know whether it was made, makes it again.
pub async fn the_same_settlement_keeps_an_attempt_once(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    let all = deliveries(&endpoint(1), 1..=2);
    on.owe(&all, 5).await;
    let claimed = on.claim_one(5).await;
    for _ in 0..3 {
        on.keep(&claimed, vec![arrived(&all[0], 6), retried(&all[1], 1, 6, 9)]).await;
    }
    for delivery in &all {
        assert_eq!(on.record(delivery).await.1.len(), 1);
    }
    let due = on.refill(&claimed, 9).await.expect("it is held").due;
    assert_eq!((ids(&due), due[0].attempts), (vec![all[1].id()], 1));
    let measured = on.log.measure(workspace(1), endpoint(1).id, at(0)).await.expect("measures");
    assert_eq!((measured.succeeded, measured.failed), (1, 1), "and counts it once");
    assert_eq!(on.waiting().await, 1);
}

/// Of the errors, and clause 8: what it settled is over.
pub async fn a_settlement_made_again_does_not_touch_what_was_redriven(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    let one = delivery(&endpoint(1), 1);
    on.owe(std::slice::from_ref(&one), 5).await;
    let claimed = on.claim_one(5).await;
    on.keep(&claimed, vec![arrived(&one, 6)]).await;
    let again = Redrive { workspace: workspace(1), endpoint: endpoint(1).id, which: Which::One(one.id()) };
    assert_eq!(on.queue.redrive(&again, 1, at(7)).await.expect("a number"), 1);
    on.keep(&claimed, vec![arrived(&one, 6)]).await;
    assert_eq!(on.state(&one).await, DeliveryState::Waiting(Some(at(7))));
    assert_eq!(on.due(&claimed, 8).await, [one.id()]);
}

/// Of [`DeliveryQueue::settle`](crate::webhooks::DeliveryQueue::settle).
pub async fn a_settlement_says_which_queues_are_still_held(on: Deliveries) {
    let endpoints = [1, 2, 3].map(endpoint);
    on.register(&endpoints).await;
    let all: Vec<_> = endpoints.iter().map(|endpoint| delivery(endpoint, 1)).collect();
    on.owe(&all, 0).await;
    let first = on.claim(ALL, 0).await;
    let second = on.claim(Room { queues: 1, each: 1 }, 30).await.remove(0);
    let settle = |claimed: &crate::webhooks::Claimed| {
        settlement(claimed, vec![arrived(&claimed.due[0].delivery, 1)], Hold::Keep)
    };
    let mut held = on.queue.settle(&first.iter().map(settle).collect::<Vec<_>>()).await.expect("an answer");
    held.sort();
    let mut expected: Vec<_> = endpoints.iter().map(|endpoint| endpoint.id).collect();
    expected.retain(|id| *id != second.endpoint.id);
    assert_eq!(held, expected, "an ended lease that nobody took is one");
    assert_eq!(on.waiting().await, 1);
}

/// Clause 6: neither of the same queue nor of the same event.
pub async fn one_settlement_does_not_touch_another_delivery(on: Deliveries) {
    on.register(&[endpoint(1), endpoint(2)]).await;
    let [one, other, theirs] = [(1, 1), (1, 2), (2, 1)].map(|(to, n)| delivery(&endpoint(to), n));
    on.owe(&[one.clone(), other.clone(), theirs.clone()], 5).await;
    let claimed = on.claim(ALL, 5).await;
    let own = claimed.iter().find(|claimed| claimed.endpoint.id == endpoint(1).id).expect("its queue");
    let unknown = delivery(&endpoint(1), 77);
    on.keep(own, vec![arrived(&one, 5), arrived(&unknown, 5)]).await;
    for untouched in [&other, &theirs] {
        let (record, attempts) = on.record(untouched).await;
        assert_eq!((record.state, attempts), (DeliveryState::Waiting(Some(at(5))), Vec::new()));
    }
    assert_eq!((on.find(&unknown).await, on.waiting().await), (None, 2));
}

/// Clause 6, and of [`Standing`]: to whoever claims it next, and to a refill.
pub async fn how_an_endpoint_stands_comes_back_with_its_queue(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    on.owe(&[delivery(&endpoint(1), 1)], 5).await;
    let claimed = on.claim_one(5).await;
    let standing = Standing {
        failures: 4_000_000_000,
        failing_since: Some(at(1) + Duration::from_micros(1)),
        warnings: 3,
        paused_until: Some(at(6)),
        full_at: Some(at(7) + Duration::from_micros(999_999)),
    };
    let settle = async |standing, hold| {
        let settlement = Settlement { standing, ..settlement(&claimed, Vec::new(), hold) };
        assert_eq!(on.queue.settle(&[settlement]).await.expect("an answer"), [endpoint(1).id]);
    };
    settle(standing, Hold::Keep).await;
    assert_eq!(on.refill(&claimed, 6).await.expect("it is held").standing, standing);
    let better = Standing { full_at: standing.full_at, ..Standing::default() };
    settle(better, Hold::Release).await;
    assert_eq!(on.claim_one(6).await.standing, better);
}

/// Of [`Hold`].
pub async fn a_queue_is_kept_until_it_is_given_back(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    let all = deliveries(&endpoint(1), 1..=3);
    on.owe(&all, 5).await;
    let claimed = on.claim_one(5).await;
    on.keep(&claimed, vec![arrived(&all[0], 5)]).await;
    assert_eq!(on.claim(ALL, 6).await, []);
    on.release(&claimed, vec![arrived(&all[1], 6)]).await;
    let other = on.claim_one(6).await;
    assert_eq!(ids(&other.due), [all[2].id()]);
    assert!(other.token > claimed.token, "{} after {}", other.token, claimed.token);
}

/// Clause 7.
pub async fn a_queue_given_back_is_claimed_when_the_next_is_due(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    let all = deliveries(&endpoint(1), 1..=2);
    on.owe(&all, 5).await;
    let claimed = on.claim_one(5).await;
    on.release(&claimed, vec![retried(&all[0], 1, 5, 20), retried(&all[1], 1, 5, 10)]).await;
    assert_eq!(on.claim(ALL, 9).await, []);
    let claimed = on.claim_one(10).await;
    assert_eq!(ids(&claimed.due), [all[1].id()]);
    on.release(&claimed, vec![ruled(&all[1], Some(attempt(2, 10, None)), DeliveryRuling::Delivered)]).await;
    assert_eq!(on.claim(ALL, 19).await, []);
    let claimed = on.claim_one(20).await;
    on.release(&claimed, vec![ruled(&all[0], Some(attempt(2, 20, None)), DeliveryRuling::Delivered)]).await;
    assert_eq!(on.claim(ALL, 999).await, []);
}

/// Clause 7: whether the holder has seen it or not.
pub async fn what_comes_in_while_a_queue_is_held_is_claimed_after(on: Deliveries) {
    let few = Endpoint { concurrency: NonZeroU16::MIN, ..endpoint(1) };
    on.register(std::slice::from_ref(&few)).await;
    let all = deliveries(&few, 1..=3);
    on.owe(&all[..1], 5).await;
    let claimed = on.claim_one(5).await;
    on.owe(&all[1..2], 6).await;
    on.release(&claimed, vec![arrived(&all[0], 6)]).await;
    on.owe(&all[2..], 7).await;
    assert_eq!(ids(&on.claim_one(7).await.due), ids_of(&all[1..]));
}

/// Clause 7: in a race, with retries in between.
pub async fn nothing_is_lost_between_those_who_give_back_and_those_who_enqueue(on: Deliveries) {
    const EACH: u64 = 40;
    let endpoints = [1, 2, 3].map(endpoint);
    on.register(&endpoints).await;
    let to_come = Arc::new(AtomicUsize::new(endpoints.len()));
    let racers = (0..6).map(|racer| {
        let (on, endpoints, to_come) = (on.clone(), endpoints.clone(), to_come.clone());
        async move {
            let mut calls = 0;
            if let Some(endpoint) = endpoints.get(racer) {
                for n in 1..=EACH {
                    on.owe(&[delivery(endpoint, n)], 100).await;
                }
                to_come.fetch_sub(1, Ordering::SeqCst);
                return calls;
            }
            while to_come.load(Ordering::SeqCst) > 0 || on.waiting().await > 0 {
                for claimed in on.claim(Room { queues: 2, each: 4 }, 100).await {
                    let settled = claimed.due.iter().map(|due| match due.attempts {
                        0 => retried(&due.delivery, 1, 100, 100),
                        _ => ruled(&due.delivery, Some(attempt(2, 100, None)), DeliveryRuling::Delivered),
                    });
                    calls += claimed.due.len();
                    on.release(&claimed, settled.collect()).await;
                }
                tokio::task::yield_now().await;
            }
            calls
        }
    });
    let calls = tokio::time::timeout(seconds(60), race(racers)).await.expect("the queues run empty");
    assert_eq!(calls.iter().sum::<usize>(), 2 * 3 * EACH as usize, "each is called twice");
    for endpoint in &endpoints {
        let measured = on.log.measure(workspace(1), endpoint.id, at(0)).await.expect("measures");
        assert_eq!((measured.succeeded, measured.failed), (EACH, EACH));
    }
}

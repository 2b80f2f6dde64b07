//! Clause 8: deliveries are owed anew.

use jiff::Timestamp;

use super::scene::{ALL, arrived, attempt, deliveries, delivery, event, given_up, ids, ids_of, of, retried, ruled};
use crate::conformance::Deliveries;
use crate::conformance::fixtures::{at, workspace};
use crate::conformance::webhooks::endpoint;
use crate::events::{Event, EventType};
use crate::ids::DeliveryId;
use crate::webhooks::{Delivery, DeliveryRuling, DeliveryState, FailureClass, Redrive, Settled, Which};

const ANY: Which = Which::Failed { since: None, until: None, types: Vec::new(), classes: Vec::new() };

async fn redrive(on: &Deliveries, which: Which, limit: usize, now: i64) -> usize {
    let again = Redrive { workspace: workspace(1), endpoint: endpoint(1).id, which };
    on.queue.redrive(&again, limit, at(now)).await.expect("a number")
}

/// Has deliveries owed and settled; nobody holds the queue any more.
async fn settled(on: &Deliveries, deliveries: &[Delivery], settle: impl Fn(&Delivery) -> Settled) {
    on.register(&[endpoint(1)]).await;
    on.owe(deliveries, 50).await;
    let claimed = on.claim_one(50).await;
    on.release(&claimed, deliveries.iter().map(settle).collect()).await;
}

/// What is due after a redrive, and nothing else; the queue is given back.
async fn due(on: &Deliveries, now: i64) -> Vec<DeliveryId> {
    let claimed = on.claim_one(now).await;
    on.release(&claimed, Vec::new()).await;
    ids(&claimed.due)
}

/// Clause 8: and keeps the attempts that it had.
pub async fn one_that_was_given_up_is_owed_from_its_first_attempt(on: Deliveries) {
    let one = delivery(&endpoint(1), 1);
    settled(&on, std::slice::from_ref(&one), |one| given_up(one, 50, FailureClass::Timeout)).await;
    assert_eq!(redrive(&on, Which::One(one.id()), 10, 60).await, 1);
    assert_eq!((on.state(&one).await, on.waiting().await), (DeliveryState::Waiting(Some(at(60))), 1));
    assert_eq!(on.claim(ALL, 59).await, []);
    let claimed = on.claim_one(60).await;
    assert_eq!((ids(&claimed.due), claimed.due[0].attempts), (vec![one.id()], 0));
    on.keep(&claimed, vec![arrived(&one, 61)]).await;
    let (record, attempts) = on.record(&one).await;
    assert_eq!((record.state, record.attempts), (DeliveryState::Delivered, 2));
    assert_eq!(attempts.iter().map(|attempt| attempt.number).collect::<Vec<_>>(), [1, 1]);
}

/// Clause 8.
pub async fn one_that_arrived_is_owed_once_more(on: Deliveries) {
    let all = deliveries(&endpoint(1), 1..=2);
    settled(&on, &all, |one| arrived(one, 50)).await;
    assert_eq!(redrive(&on, Which::One(all[1].id()), 10, 60).await, 1);
    assert_eq!((due(&on, 60).await, on.waiting().await), (vec![all[1].id()], 1));
    assert_eq!(redrive(&on, ANY, 10, 61).await, 0, "what arrived was not given up");
}

/// Clause 8: from the first attempt too; and it is owed once.
pub async fn one_that_waits_is_due_now(on: Deliveries) {
    let one = delivery(&endpoint(1), 1);
    settled(&on, std::slice::from_ref(&one), |one| retried(one, 1, 50, 9_000)).await;
    assert_eq!(on.claim(ALL, 60).await, []);
    assert_eq!(redrive(&on, Which::One(one.id()), 10, 60).await, 1);
    assert_eq!((on.waiting().await, on.state(&one).await), (1, DeliveryState::Waiting(Some(at(60)))));
    let claimed = on.claim_one(60).await;
    assert_eq!((ids(&claimed.due), claimed.due[0].attempts), (vec![one.id()], 0));
}

/// Of [`Which::Failed`]: from `since` on, before `until`.
pub async fn those_that_failed_are_found_by_when_they_were_made(on: Deliveries) {
    let all = deliveries(&endpoint(1), 1..=5);
    settled(&on, &all, |one| given_up(one, 50, FailureClass::Timeout)).await;
    let made = |since: Option<Timestamp>, until: Option<Timestamp>| Which::Failed {
        since,
        until,
        types: Vec::new(),
        classes: Vec::new(),
    };
    assert_eq!(redrive(&on, made(Some(at(4)), Some(at(4))), 10, 60).await, 0);
    assert_eq!(redrive(&on, made(Some(at(2)), Some(at(4))), 10, 60).await, 2);
    assert_eq!(due(&on, 60).await, ids_of(&all[1..3]));
    assert_eq!(redrive(&on, made(Some(at(2)), None), 10, 61).await, 2, "those that wait were not given up");
    assert_eq!(redrive(&on, made(None, Some(at(2))), 10, 62).await, 1);
    assert_eq!(on.waiting().await, 5);
}

/// Of [`Which::Failed`].
pub async fn those_that_failed_are_found_by_their_types(on: Deliveries) {
    let kinds = ["link.created", "link.updated", "link.deleted"].map(|kind| EventType::parse(kind).expect("a type"));
    let all: Vec<_> =
        (1..).zip(&kinds).map(|(n, kind)| of(&endpoint(1), n, Event { kind: kind.clone(), ..event(n) })).collect();
    settled(&on, &all, |one| given_up(one, 50, FailureClass::Timeout)).await;
    let types =
        |types: &[EventType]| Which::Failed { since: None, until: None, types: types.to_vec(), classes: Vec::new() };
    assert_eq!(redrive(&on, types(&[EventType::parse("link.expired").expect("a type")]), 10, 60).await, 0);
    assert_eq!(redrive(&on, types(&[kinds[2].clone(), kinds[0].clone()]), 10, 60).await, 2);
    assert_eq!(due(&on, 60).await, [all[0].id(), all[2].id()]);
    assert_eq!(redrive(&on, ANY, 10, 61).await, 1);
}

/// Of [`Which::Failed`]: by the last call.
pub async fn those_that_failed_are_found_by_how_they_failed(on: Deliveries) {
    let all = deliveries(&endpoint(1), 1..=4);
    let ways = [FailureClass::Dns, FailureClass::Status, FailureClass::Dns];
    settled(&on, &all, |one| match ways.get(one.position.offset as usize - 1) {
        Some(class) => given_up(one, 50, *class),
        None => ruled(one, None, DeliveryRuling::Fail("unsent".to_owned())),
    })
    .await;
    let classes = |classes: &[FailureClass]| Which::Failed {
        since: None,
        until: None,
        types: Vec::new(),
        classes: classes.to_vec(),
    };
    // The third fails once more, and otherwise.
    assert_eq!(redrive(&on, Which::One(all[2].id()), 10, 60).await, 1);
    let claimed = on.claim_one(60).await;
    on.release(&claimed, vec![given_up(&all[2], 60, FailureClass::Blocked)]).await;
    assert_eq!(redrive(&on, classes(&[FailureClass::Tls]), 10, 70).await, 0);
    assert_eq!(redrive(&on, classes(&[FailureClass::Dns, FailureClass::Tls]), 10, 70).await, 1);
    assert_eq!(due(&on, 70).await, [all[0].id()]);
    assert_eq!(redrive(&on, classes(&[FailureClass::Blocked]), 10, 71).await, 1);
    assert_eq!(redrive(&on, ANY, 10, 72).await, 2, "with any of them, or without a call");
}

/// Of [`DeliveryQueue::redrive`](crate::webhooks::DeliveryQueue::redrive).
pub async fn the_oldest_come_first_up_to_a_limit(on: Deliveries) {
    let all = deliveries(&endpoint(1), 1..=5);
    settled(&on, &all, |one| given_up(one, 50, FailureClass::Timeout)).await;
    assert_eq!(redrive(&on, ANY, 0, 60).await, 0);
    assert_eq!(redrive(&on, ANY, 2, 60).await, 2);
    assert_eq!(due(&on, 60).await, ids_of(&all[..2]));
    assert_eq!((redrive(&on, ANY, 2, 61).await, redrive(&on, ANY, 2, 62).await), (2, 1));
    let claimed = on.claim_one(62).await;
    let first = ruled(&all[0], Some(attempt(1, 62, None)), DeliveryRuling::Delivered);
    on.keep(&claimed, vec![first]).await;
    assert_eq!(on.waiting().await, 4);
}

/// Of [`Redrive`]: nor of another endpoint, nor what was never made.
pub async fn nothing_of_another_workspace_is_redriven(on: Deliveries) {
    let one = delivery(&endpoint(1), 1);
    settled(&on, std::slice::from_ref(&one), |one| given_up(one, 50, FailureClass::Timeout)).await;
    on.register(&[endpoint(2)]).await;
    for (n, to, which) in [
        (2, 1, ANY),
        (2, 1, Which::One(one.id())),
        (1, 2, ANY),
        (1, 2, Which::One(one.id())),
        (1, 1, Which::One(delivery(&endpoint(1), 9).id())),
    ] {
        let again = Redrive { workspace: workspace(n), endpoint: endpoint(to).id, which };
        assert_eq!(on.queue.redrive(&again, 10, at(60)).await.expect("a number"), 0);
    }
    assert_eq!((on.waiting().await, on.claim(ALL, 60).await), (0, Vec::new()));
    assert_eq!(redrive(&on, ANY, 10, 60).await, 1);
}

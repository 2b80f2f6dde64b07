//! Clauses 1 to 5 of [`crate::webhooks::DeliveryLog`]: what is told, and to whom.

use std::time::Duration;

use super::scene::{
    about, arrived, attempt, deliveries, delivery, event, given_up, ids_of, of, ordered, retried, ruled,
};
use crate::conformance::Deliveries;
use crate::conformance::fixtures::{at, workspace};
use crate::conformance::webhooks::endpoint;
use crate::events::{Event, EventType};
use crate::ids::DeliveryId;
use crate::page::Limit;
use crate::webhooks::{
    Attempt, Delivery, DeliveryQuery, DeliveryRuling, DeliveryState, DeliveryStatus, FailureClass, Measures,
};

/// All of the first endpoint.
pub(super) fn query(limit: u64) -> DeliveryQuery {
    DeliveryQuery {
        workspace: workspace(1),
        endpoint: endpoint(1).id,
        status: None,
        kind: None,
        created_after: None,
        created_before: None,
        after: None,
        limit: Limit::new(limit).expect("at least one"),
    }
}

/// One page: which deliveries, and where to go on.
pub(super) async fn page(on: &Deliveries, query: &DeliveryQuery) -> (Vec<DeliveryId>, Option<DeliveryId>) {
    let page = on.log.deliveries(query).await.expect("a page");
    (page.rows.iter().map(|record| record.delivery.id()).collect(), page.next)
}

fn newest_first(deliveries: &[Delivery]) -> Vec<DeliveryId> {
    let mut ids = ids_of(deliveries);
    ids.sort();
    ids.reverse();
    ids
}

/// Clause 1: whatever order they were made in.
pub async fn the_newest_come_first_in_pages(on: Deliveries) {
    on.register(&[endpoint(1), endpoint(2)]).await;
    let all = deliveries(&endpoint(1), 1..=5);
    on.owe(&[all[2].clone(), all[4].clone(), all[0].clone()], 5).await;
    on.owe(&[all[3].clone(), all[1].clone()], 6).await;
    on.owe(&deliveries(&endpoint(2), 1..=9), 6).await;
    let expected = newest_first(&all);
    let first = page(&on, &query(2)).await;
    assert_eq!(first, (expected[..2].to_vec(), Some(expected[1])));
    let second = page(&on, &DeliveryQuery { after: first.1, ..query(2) }).await;
    assert_eq!(second, (expected[2..4].to_vec(), Some(expected[3])));
    let third = page(&on, &DeliveryQuery { after: second.1, ..query(2) }).await;
    assert_eq!(third, (expected[4..].to_vec(), None));
    assert_eq!(page(&on, &query(5)).await, (expected, None), "a page that is just full is the last");
}

/// Clause 1.
pub async fn an_anchor_need_not_be_there(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    let all = deliveries(&endpoint(1), [1, 2, 8, 9]);
    on.owe(&all, 10).await;
    let never_made = DeliveryQuery { after: Some(delivery(&endpoint(1), 5).id()), ..query(9) };
    assert_eq!(page(&on, &never_made).await.0, newest_first(&all[..2]));
}

/// Clause 2: each alone, and together.
pub async fn every_condition_filters(on: Deliveries) {
    on.register(&[ordered(1)]).await;
    let updated = EventType::parse("link.updated").expect("a type");
    let mut all: Vec<_> = (1..=4).map(|n| about(&ordered(1), n, &format!("lnk_{}", n / 3))).collect();
    all.push(of(&ordered(1), 5, Event { kind: updated.clone(), ..event(5) }));
    on.owe(&all, 10).await;
    let claimed = on.claim_one(10).await;
    on.keep(&claimed, vec![arrived(&all[0], 10), given_up(&all[4], 10, FailureClass::Dns)]).await;
    on.keep(&claimed, vec![retried(&all[2], 1, 11, 60)]).await;
    let by = |status| DeliveryQuery { status: Some(status), ..query(9) };
    let waiting = newest_first(&all[1..4]);
    assert_eq!(page(&on, &by(DeliveryStatus::Waiting)).await, (waiting.clone(), None), "those behind others too");
    assert_eq!(page(&on, &by(DeliveryStatus::Delivered)).await.0, [all[0].id()]);
    assert_eq!(page(&on, &by(DeliveryStatus::Failed)).await.0, [all[4].id()]);
    let first = page(&on, &DeliveryQuery { limit: Limit::new(2).expect("two"), ..by(DeliveryStatus::Waiting) }).await;
    assert_eq!(first, (waiting[..2].to_vec(), Some(waiting[1])), "a page is filled with what is asked for");
    let kind = DeliveryQuery { kind: Some(updated.clone()), ..query(9) };
    assert_eq!(page(&on, &kind).await.0, [all[4].id()]);
    let later = DeliveryQuery { created_after: Some(at(3)), ..query(9) };
    assert_eq!(page(&on, &later).await.0, newest_first(&all[3..]), "not at that moment");
    let earlier = DeliveryQuery { created_before: Some(at(3)), ..query(9) };
    assert_eq!(page(&on, &earlier).await.0, newest_first(&all[..2]), "not at that moment");
    let both = DeliveryQuery { created_after: Some(at(1)), created_before: Some(at(4)), ..by(DeliveryStatus::Waiting) };
    assert_eq!(page(&on, &both).await.0, newest_first(&all[1..3]));
    let none = DeliveryQuery { kind: Some(updated), ..by(DeliveryStatus::Waiting) };
    assert_eq!(page(&on, &none).await, (Vec::new(), None));
}

/// Clause 3.
pub async fn nobody_reads_over_the_wall(on: Deliveries) {
    on.register(&[endpoint(1), endpoint(2)]).await;
    let one = delivery(&endpoint(1), 1);
    on.owe(std::slice::from_ref(&one), 5).await;
    let claimed = on.claim_one(5).await;
    on.keep(&claimed, vec![arrived(&one, 5)]).await;
    for (n, to, is_there) in [(1, 1, true), (2, 1, false), (1, 2, false), (1, 3, false)] {
        let (workspace, endpoint) = (workspace(n), endpoint(to).id);
        let (rows, _) = page(&on, &DeliveryQuery { workspace, endpoint, ..query(9) }).await;
        let found = on.log.delivery(workspace, endpoint, one.id()).await.expect("a look");
        let measured = on.log.measure(workspace, endpoint, at(0)).await.expect("measures");
        assert_eq!(
            (rows.len(), found.is_some(), measured.succeeded),
            match is_there {
                true => (1, true, 1),
                false => (0, false, 0),
            }
        );
    }
}

/// Clause 4: also those that came to be known late; and a page tells the last.
pub async fn a_delivery_is_told_with_its_attempts_oldest_first(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    let one = delivery(&endpoint(1), 1);
    on.owe(std::slice::from_ref(&one), 0).await;
    let lost = on.claim_one(0).await;
    let claimed = on.claim_one(30).await;
    on.keep(&claimed, vec![retried(&one, 1, 31, 40)]).await;
    on.keep(&claimed, vec![ruled(&one, Some(attempt(2, 40, None)), DeliveryRuling::Delivered)]).await;
    assert!(!on.settle(&lost, vec![retried(&one, 1, 29, 35)], crate::webhooks::Hold::Keep).await);
    let failed = |number, when| attempt(number, when, Some(FailureClass::Timeout));
    let expected = [failed(1, 29), failed(1, 31), attempt(2, 40, None)];
    let (record, attempts) = on.record(&one).await;
    assert_eq!(attempts, expected);
    assert_eq!((record.state.clone(), record.attempts), (DeliveryState::Delivered, 3));
    assert_eq!(record.last.as_ref(), expected.last());
    assert_eq!(on.log.deliveries(&query(9)).await.expect("a page").rows, [record]);
}

/// Clause 5: by when a call was made, and how long it took.
pub async fn calls_are_measured_by_the_hour(on: Deliveries) {
    const HOUR: i64 = 3_600;
    on.register(&[endpoint(1)]).await;
    let all = deliveries(&endpoint(1), 1..=4);
    on.owe(&all, 10).await;
    let claimed = on.claim_one(10).await;
    let took = |attempt: Attempt, millis| Attempt { duration: Duration::from_millis(millis), ..attempt };
    let calls = [
        took(attempt(1, HOUR - 1, None), 5),
        took(attempt(1, HOUR, Some(FailureClass::Status)), 6),
        took(attempt(1, 2 * HOUR - 1, None), 20_000),
        took(attempt(1, 3 * HOUR, None), 90),
    ];
    let settled = all.iter().zip(&calls);
    let settled = settled.map(|(one, call)| ruled(one, Some(call.clone()), DeliveryRuling::Delivered)).collect();
    on.keep(&claimed, settled).await;
    for (since, from) in [(0, 0), (1, 1), (HOUR, 1), (HOUR + 1, 3), (3 * HOUR, 3), (3 * HOUR + 1, 4)] {
        let mut expected = Measures::default();
        calls[from..].iter().for_each(|call| expected.count(call));
        let measured = on.log.measure(workspace(1), endpoint(1).id, at(since)).await.expect("measures");
        assert_eq!(measured, expected, "from {since} s on");
    }
}

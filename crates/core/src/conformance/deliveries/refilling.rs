//! Of [`DeliveryQueue::refill`](crate::webhooks::DeliveryQueue::refill): the lease goes on, and what is due is read on.

use super::scene::{ALL, LEASE, arrived, deliveries, delivery, held, ids, ids_of, retried};
use crate::conformance::Deliveries;
use crate::conformance::fixtures::{at, just_before, workspace};
use crate::conformance::webhooks::endpoint;
use crate::webhooks::{Endpoint, EndpointState, Hold};

/// Clause 2: also one that has ended, as long as nobody else has taken the queue.
pub async fn a_refill_renews_the_lease(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    on.owe(&[delivery(&endpoint(1), 1)], 0).await;
    let claimed = on.claim_one(0).await;
    assert_eq!(on.refill(&claimed, 20).await.as_ref(), Some(&claimed));
    assert_eq!(on.queue.claim(ALL, just_before(at(50)), LEASE).await.expect("a claim"), []);
    assert_eq!(on.refill(&claimed, 55).await.as_ref(), Some(&claimed));
    assert_eq!(on.claim(ALL, 84).await, []);
    assert_eq!(on.claim_one(85).await.due, claimed.due);
}

/// Clause 4.
pub async fn a_refill_gives_what_is_due_those_under_way_included(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    let all = deliveries(&endpoint(1), 1..=6);
    on.owe(&all, 5).await;
    let claimed = on.claim_one(5).await;
    on.keep(&claimed, vec![arrived(&all[0], 5), retried(&all[1], 1, 5, 60)]).await;
    let most = on.queue.refill(&[held(&claimed, 3)], at(6), LEASE).await.expect("an answer");
    assert_eq!(ids(&most[0].due), ids_of(&all[2..5]));
    assert_eq!((most[0].token, most[0].standing), (claimed.token, claimed.standing));
    assert_eq!(on.due(&claimed, 6).await, ids_of(&all[2..]));
    let later = on.refill(&claimed, 60).await.expect("it is held");
    assert_eq!(ids(&later.due), [2, 3, 4, 5, 1].map(|n| all[n].id()));
    assert_eq!(later.due[4].attempts, 1);
    let none = on.queue.refill(&[held(&claimed, 0)], at(61), LEASE).await.expect("an answer");
    assert_eq!(none[0].due, []);
}

/// Clause 7.
pub async fn a_refill_finds_what_was_enqueued_meanwhile(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    let all = deliveries(&endpoint(1), 1..=3);
    on.owe(&all[..1], 5).await;
    let claimed = on.claim_one(5).await;
    on.keep(&claimed, vec![arrived(&all[0], 5)]).await;
    assert_eq!(on.due(&claimed, 6).await, []);
    on.owe(&all[1..], 7).await;
    assert_eq!(on.due(&claimed, 7).await, ids_of(&all[1..]));
}

/// Clause 2: and does not disturb who has it.
pub async fn a_queue_that_another_took_is_missing(on: Deliveries) {
    on.register(&[endpoint(1), endpoint(2)]).await;
    on.owe(&[delivery(&endpoint(1), 1)], 0).await;
    let first = on.claim_one(0).await;
    let second = on.claim_one(30).await;
    on.owe(&[delivery(&endpoint(2), 1)], 31).await;
    let other = on.claim_one(31).await;
    let asked = [held(&first, 9), held(&other, 9)];
    let refilled = on.queue.refill(&asked, at(40), LEASE).await.expect("an answer");
    assert_eq!(refilled, [other]);
    assert_eq!(on.claim(ALL, 59).await, []);
    assert_eq!(on.claim_one(60).await.due, second.due, "the lease was not renewed by a stranger");
}

/// Clause 2.
pub async fn a_queue_that_was_given_back_is_missing(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    on.owe(&[delivery(&endpoint(1), 1)], 0).await;
    let claimed = on.claim_one(0).await;
    on.release(&claimed, Vec::new()).await;
    assert_eq!(on.refill(&claimed, 1).await, None);
    assert_eq!(on.claim_one(2).await.due, claimed.due, "nobody has it");
}

/// Clause 7.
pub async fn a_queue_whose_endpoint_is_gone_is_missing(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    let one = delivery(&endpoint(1), 1);
    on.owe(std::slice::from_ref(&one), 0).await;
    let claimed = on.claim_one(0).await;
    assert!(on.endpoints.delete_endpoint(workspace(1), endpoint(1).id).await.expect("an outcome"));
    assert_eq!(on.refill(&claimed, 1).await, None);
    assert!(!on.settle(&claimed, vec![arrived(&one, 1)], Hold::Keep).await);
}

/// Of [`Claimed::endpoint`](crate::webhooks::Claimed::endpoint): a change is seen by who holds the queue.
pub async fn a_refill_shows_the_endpoint_as_it_was_changed(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    on.owe(&[delivery(&endpoint(1), 1)], 5).await;
    let claimed = on.claim_one(5).await;
    let changed = Endpoint { state: EndpointState::Gone, version: 2, ..endpoint(1) };
    assert!(on.endpoints.update_endpoint(&changed, &[]).await.expect("an outcome"));
    let refilled = on.refill(&claimed, 6).await.expect("it is held");
    assert_eq!((refilled.endpoint, refilled.due), (changed, claimed.due));
}

//! Clause 1: a delivery is made once for each endpoint and event.

use super::scene::{
    ALL, about, arrived, deliveries, delivery, endpoints_of, event, given_up, ids, ids_of, of, ordered, retried, ruled,
};
use crate::conformance::fixtures::{at, workspace};
use crate::conformance::webhooks::endpoint;
use crate::conformance::{Deliveries, race};
use crate::events::{Epoch, Event, Position};
use crate::webhooks::{Claimed, Delivery, DeliveryBacklog, DeliveryRuling, Due, FailureClass, Room, Standing};

/// Clauses 1 and 2: no field is lost on the way.
pub async fn what_was_enqueued_is_claimed_as_it_was(on: Deliveries) {
    let endpoint = ordered(1);
    on.register(std::slice::from_ref(&endpoint)).await;
    let full = about(&endpoint, 1, "lnk_'\"日本");
    let bare = Event { subject: None, traceparent: None, version: 7, ..event(2) };
    let late = Position { epoch: Epoch(i64::MAX as u64), offset: 10_000_000_000 };
    let bare = Delivery { position: late, ordering: None, ..of(&endpoint, 2, bare) };
    on.owe(&[full.clone(), bare.clone()], 9).await;
    let claimed = on.claim_one(10).await;
    let due = [full, bare].map(|delivery| Due { delivery, attempts: 0 });
    let expected = Claimed { endpoint, token: claimed.token, standing: Standing::default(), due: due.into() };
    assert_eq!(claimed, expected);
}

/// Clause 1: in one batch, and from one to the next.
pub async fn a_delivery_is_made_once(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    let [one, two] = [1, 2].map(|n| delivery(&endpoint(1), n));
    assert_eq!(on.enqueue(&[one.clone(), one.clone(), two.clone()], 5).await, 2);
    assert_eq!(on.enqueue(&[two.clone(), one.clone()], 6).await, 0);
    assert_eq!(on.waiting().await, 2);
    let claimed = on.claim_one(7).await;
    assert_eq!(ids(&claimed.due), ids_of(&[one.clone(), two]));
    assert_eq!(on.enqueue(&[one], 8).await, 0, "also while it is under way");
}

/// Clause 1.
pub async fn one_that_arrived_is_not_made_again(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    let one = delivery(&endpoint(1), 1);
    on.owe(std::slice::from_ref(&one), 5).await;
    let claimed = on.claim_one(5).await;
    on.release(&claimed, vec![arrived(&one, 5)]).await;
    assert_eq!(on.enqueue(&[one], 6).await, 0);
    assert_eq!((on.waiting().await, on.claim(ALL, 99).await), (0, Vec::new()));
}

/// Clause 1.
pub async fn one_that_was_given_up_is_not_made_again(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    let one = delivery(&endpoint(1), 1);
    on.owe(std::slice::from_ref(&one), 5).await;
    let claimed = on.claim_one(5).await;
    on.release(&claimed, vec![given_up(&one, 5, FailureClass::Dns)]).await;
    assert_eq!(on.enqueue(&[one], 6).await, 0);
    assert_eq!((on.waiting().await, on.claim(ALL, 99).await), (0, Vec::new()));
}

/// Clause 1: and those beside it are.
pub async fn one_of_an_endpoint_that_is_not_there_is_not_made(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    let (gone, there) = (delivery(&endpoint(2), 1), delivery(&endpoint(1), 1));
    assert_eq!(on.enqueue(&[gone.clone(), there.clone(), gone.clone()], 5).await, 1);
    assert_eq!(ids(&on.claim_one(5).await.due), [there.id()]);
    assert_eq!(on.waiting().await, 1);
    on.register(&[endpoint(2)]).await;
    assert_eq!(on.claim(ALL, 6).await, [], "who comes later is owed nothing of before");
    assert_eq!(on.enqueue(&[gone], 6).await, 1);
}

/// Clause 1.
pub async fn an_event_is_owed_to_each_of_its_endpoints(on: Deliveries) {
    let endpoints = [1, 2, 3].map(endpoint);
    on.register(&endpoints).await;
    let each: Vec<_> = endpoints.iter().map(|endpoint| delivery(endpoint, 1)).collect();
    on.owe(&each, 5).await;
    let mut claimed = on.claim(ALL, 5).await;
    claimed.sort_by_key(|claimed| claimed.endpoint.id);
    assert_eq!(endpoints_of(&claimed), endpoints.map(|endpoint| endpoint.id));
    assert!(claimed.iter().all(|claimed| ids(&claimed.due) == [each[0].id()]));
}

/// Clause 1: as many as the log is read ahead by.
pub async fn a_large_batch_is_made_whole(on: Deliveries) {
    let endpoints = [1, 2, 3].map(endpoint);
    on.register(&endpoints).await;
    let batch: Vec<_> = (1..=333).flat_map(|n| endpoints.iter().map(move |one| delivery(one, n))).collect();
    on.owe(&batch, 500).await;
    assert_eq!(on.waiting().await, 999);
    let room = Room { queues: 9, each: 999 };
    for claimed in on.claim(room, 500).await {
        assert_eq!(ids(&claimed.due), ids_of(&deliveries(&claimed.endpoint, 1..=333)), "in the order of the log");
    }
}

/// Clause 1: in a race, in batches that overlap.
pub async fn of_many_who_enqueue_the_same_each_delivery_is_made_once(on: Deliveries) {
    let endpoints = [1, 2].map(endpoint);
    on.register(&endpoints).await;
    let racers = (0..8).map(|racer| {
        let (on, endpoints) = (on.clone(), endpoints.clone());
        async move {
            let numbers = racer * 2 + 1..=racer * 2 + 16;
            let batch: Vec<_> = endpoints.iter().flat_map(|one| deliveries(one, numbers.clone())).collect();
            on.enqueue(&batch, 60).await
        }
    });
    assert_eq!(race(racers).await.iter().sum::<usize>(), 60, "each is new to one of them");
    assert_eq!(on.waiting().await, 60);
    for claimed in on.claim(ALL, 60).await {
        assert_eq!(ids(&claimed.due), ids_of(&deliveries(&claimed.endpoint, 1..=30)));
    }
}

/// Of [`DeliveryQueue::backlog`](crate::webhooks::DeliveryQueue::backlog).
pub async fn the_backlog_counts_what_is_owed(on: Deliveries) {
    let backlog = async || on.queue.backlog().await.expect("a backlog");
    assert_eq!(backlog().await, DeliveryBacklog::default());
    on.register(&[ordered(1), endpoint(2)]).await;
    let key = [1, 2, 3].map(|n| about(&ordered(1), n, "lnk_a"));
    on.owe(&key, 5).await;
    on.owe(&[delivery(&endpoint(2), 4)], 6).await;
    assert_eq!(backlog().await, DeliveryBacklog { waiting: 4, oldest: Some(at(5)) }, "those behind others count");
    let claimed = on.claim(Room { queues: 1, each: 10 }, 7).await.remove(0);
    on.keep(&claimed, vec![retried(&key[0], 1, 7, 100)]).await;
    assert_eq!(backlog().await, DeliveryBacklog { waiting: 4, oldest: Some(at(6)) });
    on.keep(&claimed, vec![ruled(&key[0], None, DeliveryRuling::Delivered)]).await;
    assert_eq!(backlog().await.waiting, 3);
    assert!(on.endpoints.delete_endpoint(workspace(1), endpoint(2).id).await.expect("an outcome"));
    assert_eq!(backlog().await.waiting, 2);
}

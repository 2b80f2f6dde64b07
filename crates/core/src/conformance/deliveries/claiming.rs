//! Clauses 2, 4 and 7: who gets which queue, when, and what of it.

use std::collections::BTreeSet;

use super::scene::{ALL, LEASE, arrived, deliveries, delivery, endpoints_of, ids, ids_of, retried, settlement};
use crate::conformance::fixtures::{at, just_before};
use crate::conformance::webhooks::endpoint;
use crate::conformance::{Deliveries, race};
use crate::webhooks::{Endpoint, EndpointState, Hold, Room, Settlement, Standing};

/// Clause 2.
pub async fn where_nothing_is_owed_nothing_is_claimed(on: Deliveries) {
    on.register(&[endpoint(1), endpoint(2)]).await;
    assert_eq!(on.enqueue(&[], 5).await, 0);
    assert_eq!(on.claim(ALL, 5).await, []);
    on.owe(&[delivery(&endpoint(2), 1)], 5).await;
    assert_eq!(on.claim(ALL, 4).await, [], "not before it is due");
    assert_eq!(on.claim(Room { queues: 0, each: 9 }, 5).await, []);
    assert_eq!(on.claim_one(5).await.endpoint, endpoint(2));
}

/// Clause 2: up to the last moment of the lease, whatever comes in.
pub async fn a_queue_that_is_held_is_given_to_nobody_else(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    on.owe(&[delivery(&endpoint(1), 1)], 0).await;
    on.claim_one(0).await;
    on.owe(&[delivery(&endpoint(1), 2)], 1).await;
    assert_eq!(on.claim(ALL, 1).await, []);
    let last = on.queue.claim(ALL, just_before(at(30)), LEASE).await.expect("a claim");
    assert_eq!(last, []);
}

/// Clauses 2 and 7: from the moment on at which the lease ends.
pub async fn an_ended_lease_is_taken_by_another_under_a_higher_token(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    on.owe(&deliveries(&endpoint(1), 1..=2), 0).await;
    let first = on.claim_one(0).await;
    let second = on.claim_one(30).await;
    assert_eq!(second.due, first.due);
    assert!(second.token > first.token, "{} after {}", second.token, first.token);
    assert_eq!(on.claim(ALL, 31).await, [], "the new lease holds");
}

/// Of [`Room`].
pub async fn a_claim_keeps_to_its_room(on: Deliveries) {
    let endpoints = [1, 2, 3].map(endpoint);
    on.register(&endpoints).await;
    for endpoint in &endpoints {
        on.owe(&deliveries(endpoint, 1..=4), 5).await;
    }
    let two = on.claim(Room { queues: 2, each: 3 }, 5).await;
    let rest = on.claim(Room { queues: 2, each: 0 }, 5).await;
    assert_eq!((two.len(), rest.len()), (2, 1));
    assert!(two.iter().all(|claimed| ids(&claimed.due) == ids_of(&deliveries(&claimed.endpoint, 1..=3))));
    assert_eq!(rest[0].due, []);
    let all: BTreeSet<_> = endpoints_of(&[two, rest].concat()).into_iter().collect();
    assert_eq!(all.len(), 3);
}

/// Clause 2.
pub async fn queues_that_have_been_due_for_longest_come_first(on: Deliveries) {
    let endpoints = [1, 2, 3, 4].map(endpoint);
    on.register(&endpoints).await;
    for (endpoint, when) in endpoints.iter().zip([30, 10, 40, 20]) {
        on.owe(&[delivery(endpoint, 1)], when).await;
    }
    // Its next one is due long after.
    on.owe(&[delivery(&endpoints[1], 2)], 45).await;
    let mut order = Vec::new();
    for _ in 0..2 {
        order.extend(endpoints_of(&on.claim(Room { queues: 2, each: 1 }, 50).await));
    }
    assert_eq!(order, [2, 4, 1, 3].map(|n| endpoint(n).id));
}

/// Clause 4.
pub async fn deliveries_come_as_they_are_due_and_then_as_in_the_log(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    let all = deliveries(&endpoint(1), 1..=5);
    on.owe(&[all[4].clone(), all[2].clone(), all[3].clone()], 5).await;
    on.owe(&[all[1].clone(), all[0].clone()], 6).await;
    let claimed = on.claim_one(7).await;
    assert_eq!(ids(&claimed.due), [2, 3, 4, 0, 1].map(|n| all[n].id()));
    on.release(&claimed, vec![retried(&all[2], 1, 7, 9), retried(&all[3], 1, 7, 8)]).await;
    assert_eq!(ids(&on.claim_one(8).await.due), [4, 0, 1, 3].map(|n| all[n].id()));
}

/// Clause 7: nor what comes in during the pause.
pub async fn nothing_is_claimed_before_a_pause_is_over(on: Deliveries) {
    on.register(&[endpoint(1), endpoint(2)]).await;
    let all = deliveries(&endpoint(1), 1..=3);
    on.owe(&all[..2], 5).await;
    let claimed = on.claim_one(5).await;
    let standing = Standing { paused_until: Some(at(60)), ..Standing::default() };
    let paused = Settlement { standing, ..settlement(&claimed, vec![arrived(&all[0], 5)], Hold::Release) };
    assert_eq!(on.queue.settle(&[paused]).await.expect("an answer"), [endpoint(1).id]);
    on.owe(&all[2..], 6).await;
    on.owe(&[delivery(&endpoint(2), 4)], 7).await;
    assert_eq!(on.claim_one(8).await.endpoint.id, endpoint(2).id, "others are not kept waiting");
    let early = on.queue.claim(ALL, just_before(at(60)), LEASE).await.expect("a claim");
    assert_eq!(endpoints_of(&early), [endpoint(2).id], "whose lease has ended");
    let again = on.claim_one(60).await;
    assert_eq!((again.standing, ids(&again.due)), (standing, ids_of(&all[1..])));
}

/// Of [`Claimed::endpoint`](crate::webhooks::Claimed::endpoint): also where it gets nothing any more.
pub async fn a_claim_shows_the_endpoint_as_it_was_changed(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    on.owe(&[delivery(&endpoint(1), 1)], 5).await;
    let changed = Endpoint { state: EndpointState::Disabled, version: 2, ..endpoint(1) };
    assert!(on.endpoints.update_endpoint(&changed, &[]).await.expect("an outcome"));
    assert_eq!(on.claim_one(5).await.endpoint, changed);
}

/// Clause 2: in a race.
pub async fn of_many_who_claim_each_gets_queues_of_its_own(on: Deliveries) {
    let endpoints: Vec<_> = (1..=40).map(endpoint).collect();
    on.register(&endpoints).await;
    let all: Vec<_> = endpoints.iter().flat_map(|endpoint| deliveries(endpoint, 1..=2)).collect();
    on.owe(&all, 5).await;
    let claimers = (0..6).map(|_| {
        let on = on.clone();
        async move {
            let mut mine = Vec::new();
            loop {
                let claimed = on.claim(Room { queues: 3, each: 5 }, 5).await;
                if claimed.is_empty() {
                    return mine;
                }
                assert!(claimed.iter().all(|claimed| claimed.due.len() == 2));
                mine.extend(endpoints_of(&claimed));
            }
        }
    });
    let mut given = race(claimers).await.concat();
    given.sort();
    assert_eq!(given, endpoints.iter().map(|endpoint| endpoint.id).collect::<Vec<_>>(), "each to one of them");
}

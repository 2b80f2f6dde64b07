//! Two who want the same queue at once, each first in turn.

use waypost_core::conformance::fixtures::at;
use waypost_core::webhooks::{DeliveryBacklog, Held};

use crate::postgres::Postgres;

use super::*;

/// Who gives a queue back says when it is due next; what is enqueued just then is not forgotten.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_enqueued_while_a_queue_is_given_back_is_claimed_next() {
    for is_enqueue_first in [true, false] {
        let (store, schema) = registered(&[endpoint(1)]).await;
        store.enqueue(&[delivery(&endpoint(1), 1, 0)], at(0)).await.unwrap();
        let first = claimed(&store, 1).await;
        let back = async { store.settle(&[arrived(&first[0], 1, Hold::Release)]).await.unwrap() };
        let more = async { store.enqueue(&[delivery(&endpoint(1), 2, 0)], at(1)).await.unwrap() };
        let (more, back) = both(&schema, is_enqueue_first, more, back).await;
        assert_eq!((back, more), (vec![endpoint(1).id], 1));
        assert_eq!(numbers(&claimed(&store, 1).await), [[2]], "the enqueue was first: {is_enqueue_first}");
    }
}

#[tokio::test]
async fn a_claim_passes_over_a_queue_that_somebody_is_at_work_on() {
    let (store, schema) = registered(&[endpoint(1), endpoint(2)]).await;
    store.enqueue(&[1, 2].map(|n| delivery(&endpoint(n), u64::from(n), 0)), at(0)).await.unwrap();
    let mut other = schema.connection().await;
    let lock = "BEGIN; SELECT FROM waypost_webhook_queue WHERE endpoint = '01010101-0101-0101-0101-010101010101' \
        FOR UPDATE";
    other.execute(lock).await.unwrap();
    assert_eq!(numbers(&claimed(&store, 1).await), [[2]]);
    other.execute("COMMIT").await.unwrap();
    assert_eq!(numbers(&claimed(&store, 1).await), [[1]]);
}

/// Those who take many queues take them in one order, whatever order they were given.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn those_who_want_many_queues_do_not_stand_in_each_others_way() {
    const QUEUES: u8 = 12;
    let endpoints: Vec<_> = (1..=QUEUES).map(endpoint).collect();
    let (store, schema) = registered(&endpoints).await;
    let some = |from: u64| endpoints.iter().zip(from..).map(|(endpoint, n)| delivery(endpoint, n, 0)).collect();
    let first: Vec<Delivery> = some(1);
    assert_eq!(store.enqueue(&first, at(0)).await.unwrap(), first.len());
    let room = Room { queues: 100, each: 100 };
    let claimed = store.claim(room, at(1), LEASE).await.unwrap();
    assert_eq!(claimed.len(), endpoints.len());
    let mut tasks = Vec::new();
    for turn in 0..4_usize {
        let store = PostgresWebhookStore::new(&Postgres::open(options(&schema)).await.unwrap());
        let (mut claimed, endpoints) = (claimed.clone(), endpoints.clone());
        claimed.rotate_left(turn * 3);
        tasks.push(tokio::spawn(async move {
            for round in 0..25_u64 {
                claimed.rotate_left(1);
                claimed.reverse();
                let from = 1_000 * (turn as u64 + 1) + 20 * round;
                let mut more: Vec<_> = endpoints.iter().zip(from..).map(|(one, n)| delivery(one, n, 0)).collect();
                more.rotate_left(turn);
                let held: Vec<_> =
                    claimed.iter().map(|one| Held { endpoint: one.endpoint.id, token: one.token, want: 3 }).collect();
                let settlements: Vec<_> = claimed.iter().map(|one| arrived(one, 1, Hold::Keep)).collect();
                let (owed, refilled, kept) = tokio::join!(
                    store.enqueue(&more, at(1)),
                    store.refill(&held, at(1), LEASE),
                    store.settle(&settlements)
                );
                assert_eq!(owed.unwrap(), more.len());
                assert_eq!((refilled.unwrap().len(), kept.unwrap().len()), (held.len(), held.len()));
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(store.backlog().await.unwrap().waiting, 4 * 25 * u64::from(QUEUES), "all but the first are owed");
}

/// What is owed goes with its endpoint, and nothing is owed to one that has gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_owed_to_an_endpoint_that_is_deleted_while_something_is_enqueued() {
    for is_enqueue_first in [true, false] {
        let (store, schema) = registered(&[endpoint(1), endpoint(2)]).await;
        let enqueue = async { store.enqueue(&[delivery(&endpoint(1), 1, 0)], at(0)).await.unwrap() };
        let delete = async { store.delete_endpoint(workspace(1), endpoint(1).id).await.unwrap() };
        let (made, deleted) = both(&schema, is_enqueue_first, enqueue, delete).await;
        assert_eq!((made, deleted), (usize::from(is_enqueue_first), true));
        assert_eq!(store.backlog().await.unwrap(), DeliveryBacklog::default());
        assert_eq!(numbers(&claimed(&store, 9).await), Vec::<Vec<u64>>::new());
    }
}

#[tokio::test]
async fn who_waits_on_another_node_is_woken() {
    let (store, schema) = registered(&[endpoint(1)]).await;
    let there = PostgresWebhookStore::new(&Postgres::open(options(&schema)).await.unwrap());
    let woken = async { tokio::time::timeout(Duration::from_secs(20), there.wait()).await.expect("word of it") };
    let owe = async { store.enqueue(&[delivery(&endpoint(1), 1, 0)], at(0)).await.unwrap() };
    let ((), made) = tokio::join!(woken, owe);
    assert_eq!(made, 1);
}

/// A lease that ended with everything settled leaves a row that says that something is due.
#[tokio::test]
async fn a_queue_in_which_nothing_is_due_after_all_is_given_back() {
    let (store, schema) = registered(&[endpoint(1)]).await;
    store.enqueue(&[delivery(&endpoint(1), 1, 0)], at(0)).await.unwrap();
    let first = claimed(&store, 1).await;
    store.settle(&[arrived(&first[0], 1, Hold::Keep)]).await.unwrap();
    assert_eq!(claimed(&store, 100).await, []);
    const ROW: &str = "SELECT due_at = 'infinity' AND leased_until = '-infinity' FROM waypost_webhook_queue";
    let row = schema.connection().await.fetch_one(ROW).await.unwrap();
    assert!(row.get::<bool, _>(0), "nobody looks at it again");
    store.enqueue(&[delivery(&endpoint(1), 2, 0)], at(101)).await.unwrap();
    assert_eq!(numbers(&claimed(&store, 101).await), [[2]]);
}

//! Events that hosts append within transactions of their own.

use std::time::Duration;

use sqlx::Connection as _;
use waypost_core::conformance::fixtures::{at, event};
use waypost_core::outbox::{Backlog, Outbox as _};

use super::{claimed, ids};
use crate::postgres::PostgresOutbox;
use crate::postgres::tests::database;

#[tokio::test]
async fn what_a_host_rolls_back_was_never_there() {
    let (db, schema) = database().await;
    let outbox = PostgresOutbox::new(&db);
    let mut host = schema.connection().await;
    let mut tx = host.begin().await.unwrap();
    PostgresOutbox::append_within(&mut tx, &[event(1, "order_1")]).await.unwrap();
    assert_eq!(outbox.backlog().await.unwrap(), Backlog::default(), "not before the commit");
    tx.rollback().await.unwrap();
    assert_eq!(claimed(&outbox, 10, at(0)).await, []);

    let mut tx = host.begin().await.unwrap();
    PostgresOutbox::append_within(&mut tx, &[event(2, "order_1")]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(ids(&claimed(&outbox, 10, at(0)).await), [event(2, "").id]);
}

#[tokio::test]
async fn events_of_one_key_are_claimed_in_the_order_of_commits() {
    let (db, schema) = database().await;
    let outbox = PostgresOutbox::new(&db);
    let mut host = schema.connection().await;
    let mut tx = host.begin().await.unwrap();
    PostgresOutbox::append_within(&mut tx, &[event(1, "order_1"), event(2, "order_2")]).await.unwrap();

    let (another, same) = ([event(3, "order_3")], [event(4, "order_3"), event(5, "order_2")]);
    outbox.append(&another).await.expect("another key waits for nobody");
    let mut behind = Box::pin(outbox.append(&same));
    let early = tokio::time::timeout(Duration::from_millis(100), &mut behind).await;
    assert!(early.is_err(), "it would be numbered before it is known which of the two commits first");
    tx.commit().await.unwrap();
    behind.await.unwrap();

    let first = claimed(&outbox, 10, at(0)).await;
    let of_order_2: Vec<_> = first.iter().filter(|claim| claim.event.ordering_key() == "order_2").cloned().collect();
    assert_eq!(ids(&of_order_2), [event(2, "").id, event(5, "").id]);
    assert_eq!(first.len(), 5);
}

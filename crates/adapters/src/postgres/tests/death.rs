//! A node that dies in the middle of a transaction leaves nothing behind, and holds nobody up for long.

use std::time::Duration;

use sqlx::Executor as _;
use waypost_core::conformance::fixtures::{event, insert, link, plain};
use waypost_core::links::{Atomicity, LinkStore as _, LinkWrite, Written};
use waypost_core::outbox::Outbox as _;

use super::{Postgres, database, options};
use crate::postgres::{PostgresLinkStore, PostgresOptions, PostgresOutbox};

fn create() -> LinkWrite<'static> {
    plain(Atomicity::All, vec![(insert(&link(1)), Some(event(1, "lnk_a")))])
}

/// Takes the name of the first link in a transaction, as a node would that is in the middle of it.
const HALF: &str = "INSERT INTO waypost_link (id, workspace, domain, slug, destination, tags, redirect_status, metadata, \
    created_at, updated_at, version) VALUES (gen_random_uuid(), gen_random_uuid(), '', 'link-1', 'https://example.com', \
    '{}', 302, '{}', now(), now(), 1)";

#[tokio::test]
async fn what_a_dead_node_had_not_committed_is_undone_at_once() {
    let (db, schema) = database().await;
    let dying = Postgres::open(options(&schema)).await.unwrap();
    let mut tx = dying.begin().await.unwrap();
    tx.execute(HALF).await.unwrap();
    drop(tx);
    let links = PostgresLinkStore::new(&db);
    assert_eq!(links.write(create()).await.unwrap(), Written::Committed(vec![Ok(())]));
    assert_eq!(PostgresOutbox::new(&db).backlog().await.unwrap().waiting, 1);
}

#[tokio::test]
async fn a_node_that_falls_silent_in_a_transaction_is_ended_by_the_server() {
    let (db, schema) = database().await;
    let patience = Duration::from_millis(300);
    let silent = Postgres::open(PostgresOptions { statement_timeout: patience, ..options(&schema) }).await.unwrap();
    let mut tx = silent.begin().await.unwrap();
    tx.execute(HALF).await.unwrap();
    // It waits for the name, which is free again when the server has lost its patience with the other.
    let written = PostgresLinkStore::new(&db).write(create()).await.unwrap();
    assert_eq!(written, Written::Committed(vec![Ok(())]));
    assert!(tx.commit().await.is_err(), "it comes too late");
}

#[tokio::test]
async fn a_call_that_is_given_up_does_not_take_a_connection_with_it() {
    let (db, schema) = database().await;
    let narrow = Postgres::open(PostgresOptions { connections: 1, ..options(&schema) }).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    tx.execute(HALF).await.unwrap();
    let links = PostgresLinkStore::new(&narrow);
    let given_up = tokio::time::timeout(Duration::from_millis(50), links.write(create())).await;
    assert!(given_up.is_err(), "it waits for the name");
    tx.rollback().await.unwrap();
    // The one connection there is was closed, and is replaced.
    assert_eq!(links.get(link(1).workspace, link(2).id).await.unwrap(), None);
}

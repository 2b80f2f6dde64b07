//! One file, several processes: here, handles that know nothing of each other.

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;
use waypost_core::Kind;
use waypost_core::conformance::fixtures::{at, link, link_id, seconds};
use waypost_core::conformance::webhooks::endpoint;
use waypost_core::links::Link;
use waypost_core::outbox::Outbox as _;
use waypost_core::webhooks::{DeliveryQueue as _, Room, WebhookStore as _};

use super::webhooks::delivery;
use super::{Sqlite, database, database_file, insert_all};
use crate::sqlite::{SqliteOptions, SqliteOutbox, SqliteWebhookStore};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_race_for_the_same_slugs_and_each_has_one_winner() {
    const TASKS: u64 = 8;
    const SLUGS: u64 = 40;
    let (first, folder) = database().await;
    let second = Sqlite::open(database_file(&folder)).await.unwrap();
    let tasks = (0..TASKS).map(|task| {
        let db = if task % 2 == 0 { first.clone() } else { second.clone() };
        tokio::spawn(async move {
            let mut won = Vec::new();
            for n in 0..SLUGS {
                let rival = Link { id: link_id(1_000 * (task + 1) + n), ..link(n) };
                if insert_all(&db, std::slice::from_ref(&rival)).await.unwrap() == [Ok(())] {
                    won.push(n);
                }
            }
            won
        })
    });
    let mut winners = BTreeMap::new();
    for task in tasks.collect::<Vec<_>>() {
        for n in task.await.unwrap() {
            *winners.entry(n).or_insert(0) += 1;
        }
    }
    assert_eq!(winners, (0..SLUGS).map(|n| (n, 1)).collect());
    assert_eq!(SqliteOutbox::new(&second).backlog().await.unwrap().waiting, SLUGS, "one event a link");
}

#[tokio::test]
async fn what_one_process_commits_the_other_claims_once() {
    let (first, folder) = database().await;
    let second = Sqlite::open(database_file(&folder)).await.unwrap();
    insert_all(&first, &[link(1), link(2), link(3)]).await.unwrap();
    let (one, two) = (SqliteOutbox::new(&first), SqliteOutbox::new(&second));
    let claimed = two.claim(2, at(0), seconds(30)).await.unwrap();
    let rest = one.claim(10, at(0), seconds(30)).await.unwrap();
    assert_eq!((claimed.len(), rest.len()), (2, 1));
}

#[tokio::test]
async fn a_queue_that_one_process_holds_the_other_passes_over() {
    let (first, folder) = database().await;
    let second = Sqlite::open(database_file(&folder)).await.unwrap();
    let (one, two) = (SqliteWebhookStore::new(&first), SqliteWebhookStore::new(&second));
    for n in [1, 2] {
        one.insert_endpoint(&endpoint(n), 9).await.unwrap();
        assert_eq!(two.enqueue(&[delivery(n, 1)], at(5)).await.unwrap(), 1);
        assert_eq!(one.enqueue(&[delivery(n, 1)], at(5)).await.unwrap(), 0, "the other has made it");
    }
    let room = Room { queues: 1, each: 9 };
    let held = two.claim(room, at(5), seconds(30)).await.unwrap();
    let other = one.claim(Room { queues: 9, each: 9 }, at(5), seconds(30)).await.unwrap();
    assert_eq!([held[0].endpoint.id, other[0].endpoint.id], [endpoint(1).id, endpoint(2).id]);
    let again = one.claim(room, at(35), seconds(30)).await.unwrap();
    assert_eq!((again[0].endpoint.id, again[0].token), (held[0].endpoint.id, held[0].token + 1));
}

#[tokio::test]
async fn who_waits_too_long_for_another_process_is_told_to_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions { busy_timeout: Duration::from_millis(50), ..database_file(&folder) };
    let db = Sqlite::open(options.clone()).await.unwrap();
    let mut other = SqliteConnection::connect_with(&options.writing()).await.unwrap();
    let lock = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let busy = insert_all(&db, &[link(1)]).await.unwrap_err();
    assert_eq!((busy.kind(), busy.message()), (Kind::Unavailable, "The store is busy"));
    assert!(busy.retry_after().is_some());
    lock.rollback().await.unwrap();
    assert_eq!(insert_all(&db, &[link(1)]).await.unwrap(), [Ok(())]);
}

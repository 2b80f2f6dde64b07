//! Callers that go away in the middle of a write.

use std::task::Poll;

use waypost_core::conformance::fixtures::{at, event, insert, link, plain, seconds, workspace};
use waypost_core::conformance::webhooks::endpoint;
use waypost_core::links::{Atomicity, LinkStore as _};
use waypost_core::outbox::{Claimed, Outbox as _, Ruling, Verdict};
use waypost_core::webhooks::{DeliveryLog as _, DeliveryQueue as _, DeliveryState, Room, WebhookStore as _};

use super::webhooks::{delivered, delivery, rows_left};
use super::{SqliteLinkStore, database, insert_all};
use crate::sqlite::{SqliteOutbox, SqliteWebhookStore};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_write_that_is_dropped_halfway_leaves_nothing_and_holds_up_nobody() {
    let (db, _folder) = database().await;
    let links = SqliteLinkStore::new(&db);
    let half = {
        let mut tx = db.write().await.unwrap();
        sqlx::query("INSERT INTO waypost_secret VALUES ('half', x'00')").execute(&mut *tx).await.unwrap();
        let waiting = tokio::spawn({
            let db = db.clone();
            async move { insert_all(&db, &[link(1)]).await }
        });
        tokio::task::yield_now().await;
        drop(tx);
        waiting.await.unwrap().unwrap()
    };
    assert_eq!(half, [Ok(())]);
    assert!(links.get(link(1).workspace, link(1).id).await.unwrap().is_some());
    let row = sqlx::query("SELECT 1 FROM waypost_secret").fetch_optional(&mut *db.read().await.unwrap()).await.unwrap();
    assert!(row.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn wherever_a_write_is_dropped_link_and_event_are_there_together_or_not_at_all() {
    let (db, _folder) = database().await;
    let (links, outbox) = (SqliteLinkStore::new(&db), SqliteOutbox::new(&db));
    let mut made = 0;
    for polls in 0..30_u64 {
        let link = link(polls);
        let event = event(polls, &link.id.to_string());
        let write = plain(Atomicity::All, vec![(insert(&link), Some(event.clone()))]);
        dropped_after(polls, links.write(write)).await;

        // A later write has its turn after the one that was dropped.
        insert_all(&db, &[]).await.unwrap();
        let is_there = links.get(link.workspace, link.id).await.unwrap().is_some();
        let now = at(i64::try_from(polls).unwrap());
        let told = outbox.claim(10, now, seconds(1)).await.unwrap();
        let expected = if is_there { vec![event] } else { Vec::new() };
        assert_eq!(told.iter().map(|entry| entry.event.clone()).collect::<Vec<_>>(), expected);
        let ack = |entry: &Claimed| Verdict { entry: entry.entry, token: entry.token, ruling: Ruling::Ack };
        outbox.settle(&told.iter().map(ack).collect::<Vec<_>>()).await.unwrap();
        made += u64::from(is_there);
    }
    assert!(0 < made && made < 30, "some were dropped early, some late: {made}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn wherever_a_settlement_is_dropped_a_call_and_its_outcome_are_there_together_or_not_at_all() {
    let (db, _folder) = database().await;
    let store = SqliteWebhookStore::new(&db);
    let mut made = 0;
    for n in 0..60 {
        let (endpoint, one) = (endpoint(n), delivery(n, 1));
        store.insert_endpoint(&endpoint, 100).await.unwrap();
        store.enqueue(std::slice::from_ref(&one), at(5)).await.unwrap();
        let held = store.claim(Room { queues: 1, each: 1 }, at(5), seconds(30)).await.unwrap().remove(0);
        assert_eq!(held.endpoint.id, endpoint.id);
        let settlement = delivered(&held, &one, at(6));
        dropped_after(u64::from(n), store.settle(std::slice::from_ref(&settlement))).await;
        insert_all(&db, &[]).await.unwrap();
        let (record, attempts) = store.delivery(workspace(1), endpoint.id, one.id()).await.unwrap().unwrap();
        assert_eq!(record.state == DeliveryState::Delivered, attempts.len() == 1, "{record:?}");
        made += attempts.len();
        // Who was cancelled does not know, and settles again.
        store.settle(std::slice::from_ref(&settlement)).await.unwrap();
        let (record, attempts) = store.delivery(workspace(1), endpoint.id, one.id()).await.unwrap().unwrap();
        assert_eq!((record.state, attempts.len()), (DeliveryState::Delivered, 1));
    }
    assert!(0 < made && made < 60, "some were dropped early, some late: {made}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_dropped_deletion_leaves_is_never_seen_and_goes_with_the_next_trim() {
    let (db, _folder) = database().await;
    let store = SqliteWebhookStore::new(&db);
    let mut gone = 0;
    for n in 0..60 {
        store.insert_endpoint(&endpoint(n), 100).await.unwrap();
        store.enqueue(&[delivery(n, 1), delivery(n, 2)], at(5)).await.unwrap();
        dropped_after(u64::from(n), store.delete_endpoint(workspace(1), endpoint(n).id)).await;
        insert_all(&db, &[]).await.unwrap();
        let is_there = store.endpoint(workspace(1), endpoint(n).id).await.unwrap().is_some();
        let waiting = store.backlog().await.unwrap().waiting;
        assert_eq!(waiting, if is_there { 2 } else { 0 }, "with it goes what is owed to it");
        gone += u32::from(!is_there);
        store.delete_endpoint(workspace(1), endpoint(n).id).await.unwrap();
    }
    assert!(0 < gone && gone < 60, "some were dropped early, some late: {gone}");
    store.trim(at(0)).await.unwrap();
    assert_eq!(rows_left(&db).await, 0);
}

/// Drives `work` on, each time that it is woken, and drops it before the poll after the n-th.
async fn dropped_after<T>(polls: u64, work: impl Future<Output = T>) {
    let mut work = std::pin::pin!(work);
    let mut polled = 0;
    std::future::poll_fn(|cx| {
        if polled == polls {
            return Poll::Ready(());
        }
        polled += 1;
        work.as_mut().poll(cx).map(drop)
    })
    .await;
}

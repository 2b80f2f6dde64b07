//! Callers that go away in the middle of a write.

use std::task::Poll;

use waypost_core::conformance::fixtures::{at, event, insert, link, plain, seconds};
use waypost_core::links::{Atomicity, LinkStore as _};
use waypost_core::outbox::{Claimed, Outbox as _, Ruling, Verdict};

use super::{SqliteLinkStore, database, insert_all};
use crate::sqlite::SqliteOutbox;

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

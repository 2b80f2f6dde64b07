//! Clauses 1 and 2, across a restart.

use std::collections::BTreeSet;

use super::Reopen;
use crate::conformance::spool::{appended, drained, hit, hits_of, read};

/// Clauses 1 and 2.
pub async fn hits_are_there_after_a_restart_under_their_ids(place: Reopen) {
    let spool = place.open().await;
    appended(&spool, 0..20);
    let before = read(&spool, 100).await;
    assert_eq!(before.len(), 20);
    drop(spool);
    for _ in 0..2 {
        let spool = place.open().await;
        assert_eq!(read(&spool, 100).await, before);
    }
}

/// Clause 2: or clicks that the store has forgotten by then would be counted again.
pub async fn what_was_released_stays_released(place: Reopen) {
    let spool = place.open().await;
    appended(&spool, 0..20);
    assert_eq!(drained(&spool, 7).await.len(), 20);
    drop(spool);
    let spool = place.open().await;
    assert_eq!(read(&spool, 100).await, []);
    assert_eq!(spool.depth(), 0);
    appended(&spool, 20..22);
    assert_eq!(hits_of(&read(&spool, 100).await), [hit(20), hit(21)]);
}

/// Clause 2: what was not released is there. What was released may come back, but only as it was, under its id, where
/// the store drops it.
pub async fn a_release_of_a_part_outlives_a_restart(place: Reopen) {
    let spool = place.open().await;
    appended(&spool, 0..10);
    let all = read(&spool, 100).await;
    let part = spool.read(4).await.expect("a read");
    spool.release(part.mark).await.expect("released");
    drop(spool);
    let spool = place.open().await;
    let rest = read(&spool, 100).await;
    assert!(rest.len() >= 6 && all.ends_with(&rest), "{} of 10 hits, 4 of which were released", rest.len());
}

/// Clause 2: two hits of two lives are two clicks.
pub async fn ids_are_not_given_again_after_a_restart(place: Reopen) {
    let mut ids = BTreeSet::new();
    for life in 0..5 {
        let spool = place.open().await;
        appended(&spool, [1, 1, 1]);
        if life % 2 == 0 {
            ids.extend(drained(&spool, 100).await.into_iter().map(|(id, _)| id));
        }
    }
    let spool = place.open().await;
    ids.extend(drained(&spool, 100).await.into_iter().map(|(id, _)| id));
    assert_eq!(ids.len(), 15);
}

/// Clause 2: hits of several lives, oldest first.
pub async fn a_drain_goes_on_where_the_last_one_stopped(place: Reopen) {
    for life in 0..3 {
        let spool = place.open().await;
        appended(&spool, life * 10..life * 10 + 10);
    }
    let spool = place.open().await;
    assert_eq!(hits_of(&drained(&spool, 4).await), (0..30).map(hit).collect::<Vec<_>>());
}

/// Clause 2: a mark is a place, not a number of hits.
pub async fn a_mark_of_before_releases_nothing_new(place: Reopen) {
    let spool = place.open().await;
    appended(&spool, 0..5);
    let mark = spool.read(100).await.expect("a read").mark;
    spool.release(mark.clone()).await.expect("released");
    drop(spool);
    let spool = place.open().await;
    appended(&spool, 5..8);
    spool.release(mark).await.expect("released");
    assert_eq!(hits_of(&read(&spool, 100).await), [hit(5), hit(6), hit(7)]);
}

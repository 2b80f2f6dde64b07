//! What holds of every spool that is open.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_util::future::join_all;

use super::{Spool, appended, borrowed, drained, hit, hits_of, read};
use crate::clicks::Hit;
use crate::error::Kind;
use crate::ids::LinkId;

/// Clause 3: bytes that are no text, both kinds of address, empty headers.
pub async fn hits_are_read_as_they_were_written(spool: Spool) {
    appended(&spool, 0..20);
    assert_eq!(hits_of(&read(&spool, 100).await), (0..20).map(hit).collect::<Vec<_>>());
}

/// Of [`Hit::LONGEST_TEXT`]: a bound for what a stranger can write.
pub async fn long_headers_are_cut(spool: Spool) {
    let long = Bytes::from((0..=255_u8).cycle().take(8_192).collect::<Vec<_>>());
    let full = long.slice(..Hit::LONGEST_TEXT);
    for text in [&long, &full] {
        let hit = Hit { user_agent: text.clone(), referrer: text.clone(), ..hit(1) };
        spool.append(&borrowed(&hit)).expect("room for a hit");
    }
    appended(&spool, [2]);
    let cut = Hit { user_agent: full.clone(), referrer: full, ..hit(1) };
    assert_eq!(hits_of(&read(&spool, 100).await), [cut.clone(), cut, hit(2)]);
}

/// Clause 2.
pub async fn hits_are_read_oldest_first_up_to_the_limit(spool: Spool) {
    appended(&spool, 0..10);
    assert_eq!(hits_of(&read(&spool, 3).await), [hit(0), hit(1), hit(2)]);
    assert_eq!(hits_of(&drained(&spool, 3).await), (0..10).map(hit).collect::<Vec<_>>());
}

/// Clause 2: under the same ids, or clicks would be counted twice.
pub async fn a_read_takes_nothing(spool: Spool) {
    appended(&spool, 0..10);
    let first = read(&spool, 4).await;
    assert_eq!(read(&spool, 4).await, first);
    let longer = read(&spool, 100).await;
    assert_eq!((&longer[..4], longer.len()), (&first[..], 10));
}

/// Clause 2.
pub async fn what_was_released_is_not_read_again(spool: Spool) {
    appended(&spool, 0..10);
    let all = read(&spool, 100).await;
    let spooled = spool.read(4).await.expect("a read");
    spool.release(spooled.mark).await.expect("released");
    assert_eq!(read(&spool, 100).await, all[4..], "the rest keeps its ids");
}

/// Clause 2: not what was appended between the read and the release.
pub async fn a_release_takes_only_what_was_read(spool: Spool) {
    appended(&spool, 0..5);
    let spooled = spool.read(100).await.expect("a read");
    appended(&spool, 5..8);
    spool.release(spooled.mark).await.expect("released");
    assert_eq!(hits_of(&read(&spool, 100).await), [hit(5), hit(6), hit(7)]);
}

/// Clause 2: a drain that repeats its release does no harm, nor does one that is late.
pub async fn an_old_mark_releases_nothing_new(spool: Spool) {
    appended(&spool, 0..6);
    let early = spool.read(2).await.expect("a read").mark;
    let later = spool.read(4).await.expect("a read").mark;
    spool.release(later.clone()).await.expect("released");
    appended(&spool, 6..8);
    for mark in [early, later] {
        spool.release(mark).await.expect("released");
        assert_eq!(hits_of(&read(&spool, 100).await), [hit(4), hit(5), hit(6), hit(7)]);
    }
}

/// Clause 2: also for hits that say the same.
pub async fn every_hit_has_an_id_of_its_own(spool: Spool) {
    let mut ids = BTreeSet::new();
    for _ in 0..5 {
        appended(&spool, [1, 1, 1, 2]);
        ids.extend(drained(&spool, 3).await.into_iter().map(|(id, _)| id));
    }
    assert_eq!(ids.len(), 20);
}

fn links_of(hits: &[Hit]) -> BTreeSet<LinkId> {
    hits.iter().map(|hit| hit.link).collect()
}

/// Clauses 2 and 3: whole, each once.
pub async fn hits_of_many_threads_are_all_there(spool: Spool) {
    let writers = (0..8).map(|writer| {
        let spool = Arc::clone(&spool);
        tokio::task::spawn_blocking(move || appended(&spool, writer * 100..writer * 100 + 100))
    });
    join_all(writers).await.into_iter().for_each(|done| done.expect("no panic"));
    let mut hits = hits_of(&drained(&spool, 64).await);
    hits.sort_by_key(|hit| hit.link);
    assert!(hits == (0..800).map(hit).collect::<Vec<_>>(), "{} hits, not the 800 that were written", hits.len());
}

/// Clause 2: released while others append.
pub async fn a_drain_that_runs_beside_the_appends_misses_nothing(spool: Spool) {
    let done = Arc::new(AtomicBool::new(false));
    let drain = {
        let (spool, done) = (Arc::clone(&spool), Arc::clone(&done));
        tokio::spawn(async move {
            let mut hits = Vec::new();
            loop {
                // Asked before the round, so that the last round begins after the last append.
                let last = done.load(Ordering::SeqCst);
                hits.extend(drained(&spool, 7).await);
                if last {
                    return hits;
                }
                tokio::task::yield_now().await;
            }
        })
    };
    let writers = (0..4).map(|writer| {
        let spool = Arc::clone(&spool);
        tokio::task::spawn_blocking(move || appended(&spool, writer * 200..writer * 200 + 200))
    });
    join_all(writers).await.into_iter().for_each(|done| done.expect("no panic"));
    done.store(true, Ordering::SeqCst);
    let hits = drain.await.expect("no panic");
    assert_eq!(hits.len(), 800);
    assert_eq!(hits.iter().map(|(id, _)| *id).collect::<BTreeSet<_>>().len(), 800);
    assert_eq!(links_of(&hits_of(&hits)).len(), 800);
}

/// Clause 2, of nothing: to release nothing is allowed.
pub async fn an_empty_spool_reads_as_empty(spool: Spool) {
    let spooled = spool.read(10).await.expect("a read");
    assert_eq!(spooled.hits, []);
    appended(&spool, 0..2);
    spool.release(spooled.mark).await.expect("released");
    assert_eq!(hits_of(&read(&spool, 10).await), [hit(0), hit(1)]);
}

/// Of [`ClickSpool::depth`](crate::clicks::ClickSpool::depth).
pub async fn depth_is_what_waits(spool: Spool) {
    assert_eq!(spool.depth(), 0);
    appended(&spool, 0..10);
    let some = spool.depth();
    appended(&spool, 10..20);
    let more = spool.depth();
    assert!(some > 0 && more > some, "{some} bytes, then {more}");
    drained(&spool, 100).await;
    assert_eq!(spool.depth(), 0);
}

/// Clause 4: what was refused is not there, what was accepted is, and afterwards there is room again.
pub async fn a_full_spool_refuses_until_it_is_drained(spool: Spool) {
    for round in 0..2 {
        let first = round * 1_000_000;
        let text = Bytes::from(vec![b'x'; Hit::LONGEST_TEXT]);
        let large = |n| Hit { referrer: text.clone(), user_agent: text.clone(), ..hit(n) };
        let mut accepted = 0;
        let fault = loop {
            match spool.append(&borrowed(&large(first + accepted))) {
                Ok(()) => accepted += 1,
                Err(fault) => break fault,
            }
            assert!(accepted < 10_000, "ten megabytes are accepted, although the subject is bounded at one");
        };
        assert_eq!(fault.kind(), Kind::Unavailable);
        assert!(accepted > 0, "room for something, in round {round}");
        let hits = hits_of(&drained(&spool, 100).await);
        assert_eq!(hits.len() as u64, accepted);
        assert!(hits.iter().zip(first..).all(|(hit, n)| *hit == large(n)));
    }
}

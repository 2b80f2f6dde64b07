//! Many threads append while one drains.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const THREADS: u64 = 8;
const EACH: u64 = 3_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_while_eight_threads_append_and_one_drains() {
    for lanes in [1, 3] {
        let dir = folder();
        let spool = open(&dir, FileSpoolOptions { segment_bytes: 64 << 10, max_bytes: 64 << 20, lanes });
        let spool = Arc::new(spool);
        let running = Arc::new(AtomicUsize::new(THREADS as usize));
        for thread in 0..THREADS {
            let (spool, running) = (Arc::clone(&spool), Arc::clone(&running));
            std::thread::spawn(move || {
                append(&spool, thread * EACH..(thread + 1) * EACH);
                running.fetch_sub(1, Ordering::Release);
            });
        }
        let mut all = Vec::new();
        loop {
            let done = running.load(Ordering::Acquire) == 0;
            all.extend(drain(&spool, 500).await);
            if done {
                break;
            }
        }
        let mut numbers = numbers(&all);
        assert!(all.iter().all(|(_, hit)| *hit == numbered(number(hit))), "every hit is whole");
        assert_eq!(ids(&all).len(), all.len(), "every id is new");
        numbers.sort_unstable();
        assert_eq!(numbers, (0..THREADS * EACH).collect::<Vec<_>>());
        assert_eq!(spool.depth(), 0);
    }
}

#[tokio::test]
async fn one_thread_reads_back_its_hits_in_order() {
    let dir = folder();
    let spool = open(&dir, FileSpoolOptions { lanes: 4, ..small() });
    append(&spool, 0..300);
    assert_eq!(numbers(&drain(&spool, 11).await), (0..300).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_segment_larger_than_what_is_read_at_once_is_read_whole() {
    let dir = folder();
    let spool = open(&dir, FileSpoolOptions { segment_bytes: 1 << 20, max_bytes: 16 << 20, lanes: 1 });
    let mut appended = Vec::new();
    for number in 0..4_000 {
        let mut hit = numbered(number);
        hit.referrer = vec![b'r'; number as usize % (Hit::LONGEST_TEXT + 1)].into();
        spool.append(&borrowed(&hit)).expect("room for a hit");
        appended.push(hit);
    }
    let at_once = spool.read(usize::MAX).await.expect("a read").hits;
    assert!(at_once.iter().map(|(_, hit)| hit).eq(&appended));
    assert_eq!(drain(&spool, 1_500).await, at_once, "and in pieces");
}

#[tokio::test]
async fn a_read_gives_what_it_gave_until_that_is_released() {
    let dir = folder();
    let spool = open(&dir, small());
    append(&spool, 0..10);
    let first = spool.read(4).await.expect("a read");
    append(&spool, 10..20);
    let again = spool.read(4).await.expect("a read");
    assert_eq!((first.hits, first.mark), (again.hits, again.mark.clone()));
    spool.release(again.mark).await.expect("a release");
    assert_eq!(numbers(&spool.read(4).await.expect("a read").hits), [4, 5, 6, 7]);
}

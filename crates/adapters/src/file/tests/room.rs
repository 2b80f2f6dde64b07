//! A spool that is full, and one that has room again.

use std::time::Duration;

use waypost_core::Kind;

use super::*;

fn fill(spool: &FileClickSpool) -> u64 {
    let mut count = 0;
    loop {
        match spool.append(&borrowed(&numbered(count))) {
            Ok(()) => count += 1,
            Err(error) => {
                assert_eq!((error.kind(), error.is_retryable()), (Kind::Unavailable, true));
                assert!(error.retry_after().is_some());
                return count;
            }
        }
        assert!(count < 10_000, "there is a bound");
    }
}

#[tokio::test]
async fn beyond_the_bound_hits_are_refused_and_none_is_lost() {
    let dir = folder();
    let options = FileSpoolOptions { max_bytes: 40 << 10, ..small() };
    let spool = open(&dir, options.clone());
    let count = fill(&spool);
    assert!(count > 100, "{count}");
    let taken: u64 = segments(dir.path()).iter().map(|path| path.metadata().expect("a file").len()).sum();
    assert!(taken <= options.max_bytes, "{taken} bytes on disk");
    assert_eq!(numbers(&drain(&spool, 64).await), (0..count).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_release_makes_room_at_once() {
    for segments in [1, 2, 5] {
        let dir = folder();
        let options = FileSpoolOptions { max_bytes: segments * (8 << 10), ..small() };
        let spool = open(&dir, options);
        for round in 0..5 {
            let count = fill(&spool);
            assert!(count > 10, "{count} in round {round}, with {segments} segments");
            assert_eq!(drain(&spool, 1_000).await.len() as u64, count);
        }
    }
}

#[tokio::test]
async fn lanes_share_the_room_that_is_left() {
    let dir = folder();
    let spool = open(&dir, FileSpoolOptions { max_bytes: 16 << 10, lanes: 2, ..small() });
    let counts: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(|| fill(&spool))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert_eq!(drain(&spool, 1_000).await.len() as u64, counts.iter().sum::<u64>());
}

#[tokio::test]
async fn when_no_file_can_be_made_it_tries_again_once_a_second() {
    let dir = folder();
    let (clock, spools) = (clock(), dir.path().join("spool"));
    let options = FileSpoolOptions { lanes: 1, ..small() };
    let spool = FileClickSpool::open(&spools, options, Arc::new(clock.clone()), Arc::new(OsEntropy)).expect("it opens");
    append(&spool, 0..1);
    // Without its directory, no segment can be made.
    let away = dir.path().join("away");
    fs::rename(&spools, &away).expect("a rename");
    let count = fill(&spool);
    assert!(count > 10, "what is preallocated is used up first: {count}");
    fs::rename(&away, &spools).expect("a rename");
    assert!(spool.append(&borrowed(&numbered(0))).is_err(), "it does not try on every hit");
    clock.advance(Duration::from_secs(1));
    spool.append(&borrowed(&numbered(count))).expect("there is room again");
    assert_eq!(drain(&spool, 1_000).await.len() as u64, count + 2);
}

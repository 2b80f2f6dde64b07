//! A new process finds what the old one left.

use waypost_core::Kind;

use super::super::record::LONGEST;
use super::*;

#[tokio::test]
async fn hits_survive_a_kill_under_the_same_ids() {
    let dir = folder();
    let spool = open(&dir, small());
    append(&spool, 0..200);
    let before = spool.read(1_000).await.expect("a read").hits;
    let copy = as_if_killed(dir.path());
    let after = drain(&open(&copy, small()), 33).await;
    assert_eq!(numbers(&after), (0..200).collect::<Vec<_>>());
    assert_eq!(after, before);
}

#[tokio::test]
async fn hits_survive_an_orderly_end_and_the_depth_is_near() {
    let dir = folder();
    let spool = open(&dir, small());
    append(&spool, 0..100);
    let depth = spool.depth();
    drop(spool);
    let spool = open(&dir, small());
    let unused = (segments(dir.path()).len() * LONGEST) as u64;
    assert!((depth..=depth + unused).contains(&spool.depth()), "{} for {depth}", spool.depth());
    assert_eq!(numbers(&drain(&spool, 7).await), (0..100).collect::<Vec<_>>());
    assert_eq!(spool.depth(), 0);
}

#[tokio::test]
async fn what_was_released_is_not_read_again_after_a_kill() {
    let dir = folder();
    let spool = open(&dir, small());
    append(&spool, 0..100);
    for limit in [1, 40, 9] {
        let mark = spool.read(limit).await.expect("a read").mark;
        spool.release(mark).await.expect("a release");
    }
    let copy = as_if_killed(dir.path());
    assert_eq!(numbers(&drain(&open(&copy, small()), 1_000).await), (50..100).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_segment_is_deleted_when_all_of_it_is_released() {
    let dir = folder();
    let spool = open(&dir, small());
    append(&spool, 0..500);
    assert!(segments(dir.path()).len() > 10);
    drain(&spool, 100).await;
    assert_eq!(spool.depth(), 0);
    drop(spool);
    assert_eq!(segments(dir.path()), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn what_a_kill_left_is_cleared_once_it_is_read() {
    let dir = folder();
    let spool = open(&dir, small());
    append(&spool, 0..3);
    let copy = as_if_killed(dir.path());
    let spool = open(&copy, small());
    assert_eq!(drain(&spool, 2).await.len(), 3);
    assert_eq!(spool.depth(), 0);
    drop(spool);
    assert_eq!(segments(copy.path()), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn ids_are_never_given_twice_however_often_it_restarts() {
    let dir = folder();
    let mut all = BTreeSet::new();
    for round in 0..5 {
        let spool = open(&dir, small());
        append(&spool, round * 10..round * 10 + 10);
        if round == 2 {
            all.extend(ids(&drain(&spool, 100).await));
        }
    }
    all.extend(ids(&drain(&open(&dir, small()), 100).await));
    assert_eq!(all.len(), 50);
}

#[tokio::test]
async fn a_release_in_any_order_and_twice_is_harmless() {
    let dir = folder();
    let spool = open(&dir, small());
    append(&spool, 0..30);
    let first = spool.read(10).await.expect("a read").mark;
    let second = spool.read(20).await.expect("a read").mark;
    for mark in [second.clone(), first, second, waypost_core::clicks::SpoolMark(vec![(99, 99)])] {
        spool.release(mark).await.expect("a release");
    }
    assert_eq!(numbers(&drain(&spool, 100).await), (20..30).collect::<Vec<_>>());
}

#[tokio::test]
async fn foreign_files_are_left_alone() {
    let dir = folder();
    for name in ["README", "zzz.clicks", "0000000000000001.clicks.bak", "ABCDEF0123456789.clicks"] {
        fs::write(dir.path().join(name), "not ours").expect("a file");
    }
    fs::create_dir(dir.path().join("folder")).expect("a folder");
    let spool = open(&dir, small());
    append(&spool, 0..3);
    assert_eq!(drain(&spool, 10).await.len(), 3);
    drop(spool);
    assert_eq!(files(dir.path()).len(), 6, "five foreign ones, and the lock");
}

#[test]
fn a_second_process_is_told_what_to_do() {
    let dir = folder();
    let spool = open(&dir, small());
    let again = || FileClickSpool::open(&dir, small(), Arc::new(clock()), Arc::new(OsEntropy));
    let error = again().expect_err("the directory is locked");
    assert_eq!(error.kind(), Kind::Conflict);
    assert!(error.message().contains("stop that one, or give this one"), "{error}");
    drop(spool);
    again().expect("the lock ended with its holder");
}

#[test]
fn segments_of_a_later_version_are_not_touched() {
    let dir = folder();
    let spool = open(&dir, small());
    append(&spool, 0..3);
    drop(spool);
    let path = segments(dir.path()).remove(0);
    let mut bytes = fs::read(&path).expect("a segment");
    for copy in [0, 40] {
        bytes[copy + 8] = 2;
        let checksum = crc32fast::hash(&bytes[copy..copy + 36]);
        bytes[copy + 36..copy + 40].copy_from_slice(&checksum.to_le_bytes());
    }
    fs::write(&path, &bytes).expect("a write");
    let error = FileClickSpool::open(&dir, small(), Arc::new(clock()), Arc::new(OsEntropy)).expect_err("unreadable");
    assert_eq!(error.kind(), Kind::Conflict);
    assert_eq!(fs::read(&path).expect("a segment"), bytes);
}

#[test]
fn options_that_cannot_work_are_refused_all_at_once() {
    let dir = folder();
    let options = FileSpoolOptions { segment_bytes: 100, max_bytes: 99, lanes: 0 };
    let error = FileClickSpool::open(&dir, options, Arc::new(clock()), Arc::new(OsEntropy)).expect_err("no good");
    assert_eq!((error.kind(), error.issues().len()), (Kind::Invalid, 3));
}

#[tokio::test]
async fn sync_can_be_called_at_any_time() {
    let dir = folder();
    let spool = open(&dir, small());
    spool.sync().await.expect("nothing to sync");
    append(&spool, 0..100);
    spool.sync().await.expect("a sync");
    drain(&spool, 50).await;
    spool.sync().await.expect("a sync of what was deleted");
}

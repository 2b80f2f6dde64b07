//! `kill -9` of a process that appends: every append that it reported is read back, once.
#![expect(clippy::disallowed_methods, reason = "the test is its own child, and tells it so through the environment")]

use std::collections::BTreeSet;
use std::env;
use std::io::{BufRead, BufReader, Write, stderr};
use std::process::{Command, Stdio};

use super::*;

/// Set in the child: the directory to append in.
const DIR: &str = "WAYPOST_TEST_SPOOL";
/// Set in the child: the number of its first hit.
const FIRST: &str = "WAYPOST_TEST_FIRST";
const THREADS: u64 = 4;
const NAME: &str = "file::tests::death::every_acknowledged_hit_survives_kill_9";

fn options() -> FileSpoolOptions {
    FileSpoolOptions { segment_bytes: 32 << 10, max_bytes: 256 << 20, lanes: 2 }
}

#[tokio::test]
async fn every_acknowledged_hit_survives_kill_9() {
    if let Ok(dir) = env::var(DIR) {
        append_until_killed(Path::new(&dir));
    }
    let dir = folder();
    let mut acknowledged = BTreeSet::new();
    let mut read = Vec::new();
    for round in 0..6_u64 {
        acknowledged.extend(run_and_kill(dir.path(), round << 40, 500 + 700 * round as usize));
        if round % 3 == 1 {
            // Read, and released by half only.
            let spool = open(&dir, options());
            let half = spool.read(1_000).await.expect("a read");
            read.extend(half.hits);
            spool.release(half.mark).await.expect("a release");
        }
    }
    read.extend(drain(&open(&dir, options()), 5_000).await);
    assert!(read.iter().all(|(_, hit)| *hit == numbered(number(hit))), "every hit is whole");
    assert_eq!(ids(&read).len(), read.len(), "no id twice");
    let numbers: BTreeSet<u64> = numbers(&read).into_iter().collect();
    assert_eq!(numbers.len(), read.len(), "no hit twice");
    assert_eq!(acknowledged.difference(&numbers).count(), 0, "acknowledged, and lost");
    // A thread may have been killed between its append and its report.
    assert!(numbers.len() - acknowledged.len() <= (6 * THREADS) as usize);
}

/// Starts a child, kills it after `count` reports, and gives all of its reports.
fn run_and_kill(dir: &Path, first: u64, count: usize) -> Vec<u64> {
    let mut child = Command::new(env::current_exe().expect("the test's own path"))
        .args(["--exact", NAME, "--nocapture"])
        .env(DIR, dir)
        .env(FIRST, first.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a child");
    let mut reports = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut acknowledged = Vec::new();
    let mut line = String::new();
    loop {
        if acknowledged.len() == count {
            child.kill().expect("a kill");
        }
        line.clear();
        let read = reports.read_line(&mut line).expect("a report");
        // The last line may be cut off.
        match line.strip_suffix('\n').and_then(|line| line.strip_prefix("ack ")) {
            Some(number) => acknowledged.push(number.parse().expect("a number")),
            None if read == 0 => break,
            None => {}
        }
    }
    child.wait().expect("its end");
    assert!(acknowledged.len() >= count, "the child ended by itself after {} hits", acknowledged.len());
    acknowledged
}

fn append_until_killed(dir: &Path) -> ! {
    let first: u64 = env::var(FIRST).ok().and_then(|first| first.parse().ok()).expect("a number");
    let spool = open(dir, options());
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let spool = &spool;
            scope.spawn(move || {
                for number in (first + thread..).step_by(THREADS as usize) {
                    append(spool, [number]);
                    // One write each, so that reports of different threads do not mix.
                    if stderr().write_all(format!("ack {number}\n").as_bytes()).is_err() {
                        std::process::exit(1);
                    }
                }
            });
        }
    });
    unreachable!("the threads go on until they are killed")
}

//! What is true of files alone: restarts, damage, full disks, many threads, and death at any instant.

mod damage;
mod death;
mod restart;
mod room;
mod threads;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use waypost_core::clicks::{ClickId, ClickSpool, Hit, HitRef};
use waypost_core::clock::ManualClock;
use waypost_core::entropy::OsEntropy;
use waypost_core::ids::{LinkId, WorkspaceId};

use super::*;

/// One lane, so that hits come back in the order in which they were appended.
fn small() -> FileSpoolOptions {
    FileSpoolOptions { segment_bytes: 8 << 10, max_bytes: 1 << 20, lanes: 1 }
}

fn clock() -> ManualClock {
    ManualClock::new("2026-11-20T12:00:00Z".parse().expect("a moment"))
}

fn open(dir: impl AsRef<Path>, options: FileSpoolOptions) -> FileClickSpool {
    FileClickSpool::open(dir, options, Arc::new(clock()), Arc::new(OsEntropy)).expect("the spool opens")
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

/// What `dir` would be, had the process been killed now. The lock is not copied, since death ends it.
fn as_if_killed(dir: &Path) -> TempDir {
    let copy = folder();
    for file in files(dir) {
        let name = file.file_name().expect("a name");
        if name != "lock" {
            fs::copy(&file, copy.path().join(name)).expect("a copy");
        }
    }
    copy
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    files(dir).into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "clicks")).collect()
}

/// A hit that bears a number.
fn numbered(number: u64) -> Hit {
    Hit {
        link: LinkId::from_bytes(u128::from(number).to_be_bytes()),
        workspace: WorkspaceId::from_bytes([7; 16]),
        at: "2026-11-20T12:00:00.123456789Z".parse().expect("a moment"),
        address: [192, 0, 2, 1].into(),
        user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0".into(),
        referrer: "https://example.org/".repeat(number as usize % 4).into(),
    }
}

fn number(hit: &Hit) -> u64 {
    u128::from_be_bytes(hit.link.to_bytes()) as u64
}

fn borrowed(hit: &Hit) -> HitRef<'_> {
    HitRef {
        link: hit.link,
        workspace: hit.workspace,
        at: hit.at,
        address: hit.address,
        user_agent: &hit.user_agent,
        referrer: &hit.referrer,
    }
}

fn append(spool: &FileClickSpool, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        spool.append(&borrowed(&numbered(number))).expect("room for a hit");
    }
}

/// All that waits, in pieces of `limit`, released piece by piece.
async fn drain(spool: &FileClickSpool, limit: usize) -> Vec<(ClickId, Hit)> {
    let mut all = Vec::new();
    loop {
        let spooled = spool.read(limit).await.expect("a read");
        if spooled.hits.is_empty() {
            return all;
        }
        all.extend(spooled.hits);
        spool.release(spooled.mark).await.expect("a release");
    }
}

fn numbers(hits: &[(ClickId, Hit)]) -> Vec<u64> {
    hits.iter().map(|(_, hit)| number(hit)).collect()
}

fn ids(hits: &[(ClickId, Hit)]) -> BTreeSet<ClickId> {
    hits.iter().map(|(id, _)| *id).collect()
}

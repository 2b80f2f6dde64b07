//! The spool in files.

use std::path::Path;
use std::sync::Arc;

use waypost_adapters::file::{FileClickSpool, FileSpoolOptions};
use waypost_core::clicks::ClickSpool;
use waypost_core::clock::SystemClock;
use waypost_core::conformance::{self, Reopen, Subject};
use waypost_core::entropy::OsEntropy;

/// Eight segments in two lanes, so that a case crosses from one to the next, and the one that fills it up is soon done.
fn open(dir: &Path) -> Arc<dyn ClickSpool> {
    let options = FileSpoolOptions { segment_bytes: 64 << 10, max_bytes: 512 << 10, lanes: 2 };
    let spool = FileClickSpool::open(dir, options, Arc::new(SystemClock), Arc::new(OsEntropy));
    Arc::new(spool.expect("the spool opens"))
}

async fn click_spool() -> Subject<Arc<dyn ClickSpool>> {
    let folder = tempfile::tempdir().expect("a temporary directory");
    Subject::guarded(open(folder.path()), folder)
}

async fn reopened_spool() -> Subject<Reopen> {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let dir = folder.path().to_owned();
    let reopen = Reopen::new(move || {
        let spool = open(&dir);
        async move { spool }
    });
    Subject::guarded(reopen, folder)
}

conformance::spool!(click_spool);
conformance::durable_spool!(reopened_spool);

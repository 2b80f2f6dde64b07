//! The cases of [`crate::clicks::ClickSpool`].
//!
//! They come in two suites: what holds of every spool as long as it is open, and, for those that promise the first
//! clause, what is there when its place is opened again. That no hit is torn when a process is killed in the middle of
//! a write takes a process to kill: this is proved by tests of the adapter and of the whole.

mod hits;

use super::suite::suite;

suite! {
    /// Proves a [`crate::clicks::ClickSpool`], given in an `Arc`, with room for a megabyte at most, so that
    /// the case that fills it up is soon done.
    spool as __spool_suite {
        hits:
            hits_are_read_as_they_were_written,
            long_headers_are_cut,
            hits_are_read_oldest_first_up_to_the_limit,
            a_read_takes_nothing,
            what_was_released_is_not_read_again,
            a_release_takes_only_what_was_read,
            an_old_mark_releases_nothing_new,
            every_hit_has_an_id_of_its_own,
            hits_of_many_threads_are_all_there,
            a_drain_that_runs_beside_the_appends_misses_nothing,
            an_empty_spool_reads_as_empty,
            depth_is_what_waits,
            a_full_spool_refuses_until_it_is_drained;
    }
}

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use bytes::Bytes;

use crate::clicks::{ClickId, ClickSpool, Hit, HitRef};
use crate::conformance::fixtures::{at, link_id, workspace};

type Spool = Arc<dyn ClickSpool>;

/// The n-th hit.
pub(super) fn hit(n: u64) -> Hit {
    let address =
        if n.is_multiple_of(2) { IpAddr::from([192, 0, 2, n as u8]) } else { Ipv6Addr::from(u128::from(n)).into() };
    Hit {
        link: link_id(n),
        workspace: workspace(n % 3),
        at: at(i64::try_from(n).expect("small")) + std::time::Duration::from_micros(n),
        address,
        user_agent: Bytes::from(format!("Agent/{n} \0\u{7f}\r\n")),
        referrer: if n.is_multiple_of(4) { Bytes::new() } else { Bytes::from_static(b"https://example.com/\xff\xfe") },
    }
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

pub(super) fn appended(spool: &Spool, numbers: impl IntoIterator<Item = u64>) {
    for n in numbers {
        spool.append(&borrowed(&hit(n))).expect("room for a hit");
    }
}

/// Reads without releasing.
pub(super) async fn read(spool: &Spool, limit: usize) -> Vec<(ClickId, Hit)> {
    spool.read(limit).await.expect("a read").hits
}

/// Reads and releases to the end, in rounds of `limit`.
pub(super) async fn drained(spool: &Spool, limit: usize) -> Vec<(ClickId, Hit)> {
    let mut all = Vec::new();
    loop {
        let spooled = spool.read(limit).await.expect("a read");
        assert!(spooled.hits.len() <= limit);
        if spooled.hits.is_empty() {
            return all;
        }
        all.extend(spooled.hits);
        spool.release(spooled.mark).await.expect("released");
    }
}

pub(super) fn hits_of(hits: &[(ClickId, Hit)]) -> Vec<Hit> {
    hits.iter().map(|(_, hit)| hit.clone()).collect()
}

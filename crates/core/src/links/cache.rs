//! Links in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use quick_cache::sync::{Cache, EntryAction};
use quick_cache::{Equivalent, Weighter};

use super::{Domain, LinkName, Slug, Target};

/// Links that the cache is laid out for at first; it grows beyond.
const EXPECTED: usize = 4_096;

/// Links in memory: looked up once by however many ask at the same time, absent ones included, and forgotten when they
/// change.
#[derive(Debug)]
pub struct LinkCache {
    pub(super) known: Cache<LinkName, Arc<Known>, Weight>,
    /// How often everything was doubted. What was looked up under an earlier number is not believed.
    doubts: AtomicU64,
}

impl LinkCache {
    /// A cache of up to about `bytes`.
    pub fn new(bytes: u64) -> Self {
        Self { known: Cache::with_weighter(EXPECTED, bytes, Weight), doubts: AtomicU64::new(0) }
    }

    /// Forgets a link, since it changed. A look-up that is under way is not kept either.
    pub fn forget(&self, domain: &Domain, slug: &Slug) {
        self.known.remove(&NameRef { domain: domain.as_str(), slug: slug.as_str() });
    }

    /// Believes nothing any more that was looked up, or is being looked up, since any of it may have changed. It is
    /// still there to be followed while the store is away.
    pub fn doubt_all(&self) {
        self.doubts.fetch_add(1, Ordering::AcqRel);
    }

    /// How often everything was doubted; to be read before a look-up begins.
    pub(super) fn doubts(&self) -> u64 {
        self.doubts.load(Ordering::Acquire)
    }

    /// How far `known` can be gone by.
    pub(super) fn belief(&self, known: &Known, now: Timestamp, on: Duration) -> Belief {
        if known.doubts != self.doubts() {
            Belief::Doubted
        } else if now < known.until {
            Belief::Fresh
        } else if now < known.until + on {
            Belief::Stale
        } else {
            Belief::Doubted
        }
    }

    /// Puts `next` in the place of `known`, unless it was forgotten meanwhile.
    pub(super) fn replace(&self, name: &LinkName, known: &Arc<Known>, next: Known) {
        // A guard that comes back means that the place is empty; dropped, it leaves it so.
        let _ = self.known.entry(name, Some(Duration::ZERO), |_, there| {
            if Arc::ptr_eq(there, known) {
                *there = Arc::new(next);
            }
            EntryAction::Retain(())
        });
    }
}

/// How far a look-up can be gone by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Belief {
    /// It is believed.
    Fresh,
    /// It is followed while it is looked up anew.
    Stale,
    /// It is followed only if the store does not answer.
    Doubted,
}

/// One look-up: a link or its absence, and until when that is believed.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) target: Option<Arc<Target>>,
    until: Timestamp,
    doubts: u64,
    /// Whether somebody looks it up anew.
    pub(super) refreshing: AtomicBool,
}

impl Known {
    pub(super) fn new(target: Option<Arc<Target>>, until: Timestamp, doubts: u64) -> Self {
        Self { target, until, doubts, refreshing: AtomicBool::new(false) }
    }
}

/// A name that is borrowed from the request. Must hash as [`LinkName`] does.
#[derive(Hash)]
pub(super) struct NameRef<'a> {
    pub(super) domain: &'a str,
    pub(super) slug: &'a str,
}

impl Equivalent<LinkName> for NameRef<'_> {
    fn equivalent(&self, name: &LinkName) -> bool {
        self.slug == name.slug.as_str() && self.domain == name.domain.as_str()
    }
}

#[derive(Clone, Debug)]
pub(super) struct Weight;

impl Weighter<LinkName, Arc<Known>> for Weight {
    fn weight(&self, name: &LinkName, known: &Arc<Known>) -> u64 {
        // The fixed part is what an entry takes in the table and on the heap, by measurement.
        let destination = known.target.as_ref().map_or(0, |target| target.destination.len());
        (256 + name.slug.as_str().len() + destination) as u64
    }
}

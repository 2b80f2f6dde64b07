//! Looking links up: in memory, else in the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::cache::{Belief, Known, NameRef};
use super::{Domain, Link, LinkCache, LinkName, LinkStore, Slug, Target};
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};

/// How long a link is believed without a look at the store. Changes made through this process are seen at once, and
/// those of other nodes as soon as word of them comes; this bounds those made behind everybody's back, say by an import
/// beside a running server.
const BELIEVED: Duration = Duration::from_secs(15);
/// How long it is followed on while it is looked up anew behind the back of those who follow. Together 30 s (§2).
const FOLLOWED_ON: Duration = Duration::from_secs(15);
/// How long the absence of a link is believed; short, since people follow a link right after it was made. Also the time
/// after which a store that was away is asked again.
const ABSENCE_BELIEVED: Duration = Duration::from_secs(1);
/// How long a follow waits for news of a link that is known and doubted: many times what a store takes that is there.
const PATIENCE: Duration = Duration::from_millis(200);
/// Look-ups at a time of links that are known; a store that hangs is asked no more than this often.
const REFRESHES: usize = 64;

/// Looks links up, each once for however many ask.
///
/// A link that is known is followed for as long as the store does not answer, however long that is: what it led to is
/// the best that anybody knows. Only the first in an outage to follow a link that is doubted waits for it, and no longer
/// than [`PATIENCE`].
#[derive(Clone, Debug)]
pub(super) struct LookUps {
    cache: Arc<LinkCache>,
    store: Arc<dyn LinkStore>,
    clock: Arc<dyn Clock>,
    refreshes: Arc<Semaphore>,
    is_away: Arc<AtomicBool>,
    /// How many look-ups of unknown links failed.
    failures: Arc<AtomicU64>,
    hits: metrics::Counter,
    misses: metrics::Counter,
}

impl LookUps {
    pub(super) fn new(cache: Arc<LinkCache>, store: Arc<dyn LinkStore>, clock: Arc<dyn Clock>) -> Self {
        Self {
            cache,
            store,
            clock,
            refreshes: Arc::new(Semaphore::new(REFRESHES)),
            is_away: Arc::default(),
            failures: Arc::default(),
            hits: metrics::counter!("waypost_link_cache_hits_total"),
            misses: metrics::counter!("waypost_link_cache_misses_total"),
        }
    }

    /// What is believed of a link now: a target, or `None` inside for its absence.
    pub(super) fn believed(&self, domain: &Domain, slug: &str, now: Timestamp) -> Option<Option<Arc<Target>>> {
        let known = self.cache.known.get(&NameRef { domain: domain.as_str(), slug })?;
        (self.cache.belief(&known, now, FOLLOWED_ON) == Belief::Fresh).then(|| known.target.clone())
    }

    /// Whether a target is known, believed or not: what is there is followed without a wait.
    pub(super) fn knows(&self, domain: &Domain, slug: &str) -> bool {
        let name = NameRef { domain: domain.as_str(), slug };
        self.cache.known.get(&name).is_some_and(|known| known.target.is_some())
    }

    /// Notes that a link was found in memory.
    pub(super) fn hit(&self) {
        self.hits.increment(1);
    }

    /// The link under this name.
    ///
    /// # Errors
    /// Those of the store, for a link that is not known yet.
    pub(super) async fn find(&self, domain: &Domain, slug: Slug) -> Result<Option<Arc<Target>>> {
        let name = LinkName { domain: domain.clone(), slug };
        if let Some(known) = self.cache.known.get(&name) {
            let belief = self.cache.belief(&known, self.clock.now(), FOLLOWED_ON);
            if belief == Belief::Fresh {
                self.hit();
                return Ok(known.target.clone());
            }
            if known.target.is_some() {
                self.hit();
                return Ok(self.anew(name, known, belief).await);
            }
            self.cache.known.remove_if(&name, |there| Arc::ptr_eq(there, &known));
        }
        let failures = self.failures.load(Ordering::Acquire);
        let guard = match self.cache.known.get_value_or_guard_async(&name).await {
            Ok(known) => return Ok(known.target.clone()),
            Err(guard) => guard,
        };
        // Those who waited for a look-up that failed do not each wait for one of their own.
        if self.failures.load(Ordering::Acquire) != failures {
            return Err(Error::new(Kind::Unavailable, "The link store is away").with_retry_after(ABSENCE_BELIEVED));
        }
        let doubts = self.cache.doubts();
        let asked = self.ask(&name).await;
        if asked.is_err() {
            self.failures.fetch_add(1, Ordering::Release);
        }
        let (target, believed) = asked?;
        let known = Known::new(target.clone(), self.clock.now() + believed, doubts);
        // A link that changed during the look-up is not kept: `forget` has taken the place away.
        let _ = guard.insert(Arc::new(known));
        Ok(target)
    }

    /// Has a link that is known looked up anew, by one of those who follow it; the others go by what is known.
    async fn anew(&self, name: LinkName, known: Arc<Known>, belief: Belief) -> Option<Arc<Target>> {
        let old = known.target.clone();
        if known.refreshing.swap(true, Ordering::AcqRel) {
            return old;
        }
        let (looks, refreshing) = (self.clone(), Refreshing(known));
        // A task of its own, since who follows may hang up, or lose patience.
        let refresh = tokio::spawn(async move { looks.refresh(&name, &refreshing.0).await });
        if belief == Belief::Stale || self.is_away.load(Ordering::Relaxed) {
            return old;
        }
        tokio::select! {
            biased;
            target = refresh => target.unwrap_or(old),
            () = self.clock.sleep_until(self.clock.now() + PATIENCE) => {
                self.silent("it takes its time");
                old
            }
        }
    }

    async fn refresh(&self, name: &LinkName, known: &Arc<Known>) -> Option<Arc<Target>> {
        let Ok(_permit) = self.refreshes.acquire().await else { return known.target.clone() };
        let doubts = self.cache.doubts();
        let (target, believed) = match self.ask(name).await {
            Ok(found) => found,
            Err(error) => {
                self.silent(&error);
                (known.target.clone(), ABSENCE_BELIEVED)
            }
        };
        self.cache.replace(name, known, Known::new(target.clone(), self.clock.now() + believed, doubts));
        target
    }

    async fn ask(&self, name: &LinkName) -> Result<(Option<Arc<Target>>, Duration)> {
        self.misses.increment(1);
        let link: Option<Link> = self.store.find(&name.domain, &name.slug).await?;
        if self.is_away.load(Ordering::Relaxed) && self.is_away.swap(false, Ordering::Relaxed) {
            tracing::info!("the link store answers again");
        }
        Ok(match link {
            Some(link) => (Some(Arc::new(Target::of(&link))), BELIEVED),
            None => (None, ABSENCE_BELIEVED),
        })
    }

    /// Notes that the store does not answer; told once an outage.
    fn silent(&self, reason: impl std::fmt::Debug) {
        if !self.is_away.swap(true, Ordering::Relaxed) {
            tracing::warn!(error = ?reason, "the link store is away; following from memory");
        }
    }
}

/// A look-up of a link that is known; when it ends, however it ends, another may begin.
struct Refreshing(Arc<Known>);

impl Drop for Refreshing {
    fn drop(&mut self) {
        self.0.refreshing.store(false, Ordering::Release);
    }
}

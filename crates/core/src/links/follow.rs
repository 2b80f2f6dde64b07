//! Following a link: the hot path, in front of the ports.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};

use super::{Domain, Link, LinkStore, RedirectStatus, ReferrerPolicy, Slug, Status};
use crate::clicks::{Admission, ClickSpool, ClickStore, HitRef, Take};
use crate::clock::Clock;
use crate::error::Result;
use crate::ids::{LinkId, WorkspaceId};

/// How long a link is believed without a look at the store. Changes made through this process are seen at once; this
/// bounds those made behind its back, say by an import beside a running server.
const BELIEVED: Duration = Duration::from_secs(30);
/// How long the absence of a link is believed; short, since people follow a link right after it was made.
const ABSENCE_BELIEVED: Duration = Duration::from_secs(1);
/// Links that the cache is laid out for at first; it grows beyond.
const EXPECTED: usize = 4_096;

/// What following needs to know of a link.
#[derive(Clone, Debug)]
pub struct Target {
    /// The link.
    pub link: LinkId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Where it leads, in the form that is sent.
    pub destination: Bytes,
    /// How it redirects.
    pub redirect_status: RedirectStatus,
    /// The `Referrer-Policy` of its redirects.
    pub referrer_policy: Option<ReferrerPolicy>,
    cache_seconds: Option<u32>,
    expires_at: Option<Timestamp>,
    is_disabled: bool,
    is_limited: bool,
}

impl Target {
    fn of(link: &Link) -> Self {
        Self {
            link: link.id,
            workspace: link.workspace,
            destination: link.destination.to_bytes(),
            redirect_status: link.redirect_status,
            referrer_policy: link.referrer_policy,
            cache_seconds: link.cache_seconds,
            expires_at: link.expires_at,
            is_disabled: link.disabled_at.is_some(),
            is_limited: link.max_clicks.is_some(),
        }
    }
}

/// One look-up: a link or its absence, and until when that is believed.
#[derive(Debug)]
struct Known {
    target: Option<Arc<Target>>,
    until: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Name {
    domain: Domain,
    slug: Slug,
}

/// A name that is borrowed from the request. Must hash as [`Name`] does.
#[derive(Hash)]
struct NameRef<'a> {
    domain: &'a str,
    slug: &'a str,
}

impl Equivalent<Name> for NameRef<'_> {
    fn equivalent(&self, name: &Name) -> bool {
        self.slug == name.slug.as_str() && self.domain == name.domain.as_str()
    }
}

#[derive(Clone, Debug)]
struct Weight;

impl Weighter<Name, Arc<Known>> for Weight {
    fn weight(&self, name: &Name, known: &Arc<Known>) -> u64 {
        // The fixed part is what an entry takes in the table and on the heap, by measurement.
        let destination = known.target.as_ref().map_or(0, |target| target.destination.len());
        (256 + name.slug.as_str().len() + destination) as u64
    }
}

/// Links in memory: looked up once by however many ask at the same time, absent ones included, and forgotten when they
/// change.
#[derive(Debug)]
pub struct LinkCache {
    known: Cache<Name, Arc<Known>, Weight>,
}

impl LinkCache {
    /// A cache of up to about `bytes`.
    pub fn new(bytes: u64) -> Self {
        Self { known: Cache::with_weighter(EXPECTED, bytes, Weight) }
    }

    /// Forgets a link, since it changed. A look-up that is under way is not kept either.
    pub fn forget(&self, domain: &Domain, slug: &Slug) {
        self.known.remove(&NameRef { domain: domain.as_str(), slug: slug.as_str() });
    }
}

/// Who follows, and whether it counts.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    /// From where.
    pub address: IpAddr,
    /// The header `User-Agent`.
    pub user_agent: &'a [u8],
    /// The header `Referer`.
    pub referrer: &'a [u8],
    /// Whether it counts.
    pub kind: VisitKind,
}

/// Whether a follow counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VisitKind {
    /// It is a click.
    Click,
    /// A browser fetches ahead: no click, unless the link is limited, where passing is what counts.
    Ahead,
    /// It only looks, as `HEAD` does.
    Look,
}

/// What became of a follow.
#[derive(Clone, Debug)]
pub enum Followed {
    /// Redirect there.
    Redirect(Arc<Target>),
    /// There is no such link.
    NotFound,
    /// It cannot be followed any more, or for now.
    Gone(Status),
}

/// Follows links.
#[derive(Debug)]
pub struct Follows {
    cache: Arc<LinkCache>,
    links: Arc<dyn LinkStore>,
    clicks: Arc<dyn ClickStore>,
    spool: Arc<dyn ClickSpool>,
    clock: Arc<dyn Clock>,
    hits: metrics::Counter,
    misses: metrics::Counter,
    lost: metrics::Counter,
    losing: AtomicBool,
}

impl Follows {
    /// Over the stores and the spool; `cache` is shared with [`Links`](super::Links), which tells it of changes.
    pub fn new(
        cache: Arc<LinkCache>,
        links: Arc<dyn LinkStore>,
        clicks: Arc<dyn ClickStore>,
        spool: Arc<dyn ClickSpool>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            cache,
            links,
            clicks,
            spool,
            clock,
            hits: metrics::counter!("waypost_link_cache_hits_total"),
            misses: metrics::counter!("waypost_link_cache_misses_total"),
            lost: metrics::counter!("waypost_clicks_lost_total"),
            losing: AtomicBool::new(false),
        }
    }

    /// Follows a link if that takes no waiting: it is known, and needs no admission. The click is durable when this
    /// returns. `None`: use [`follow`](Self::follow).
    pub fn follow_known(&self, domain: &Domain, slug: &str, visit: &Visit<'_>, now: Timestamp) -> Option<Followed> {
        let known = self.cache.known.get(&NameRef { domain: domain.as_str(), slug })?;
        if known.until <= now {
            return None;
        }
        match &known.target {
            None => Some(Followed::NotFound),
            Some(target) if target.is_limited => None,
            Some(target) => {
                let followed = self.pass(target, visit, now);
                // What is closed is asked for again, by the way that takes its time, and counted there.
                if matches!(followed, Followed::Redirect(_)) {
                    self.hits.increment(1);
                }
                Some(followed)
            }
        }
    }

    /// Follows a link.
    ///
    /// # Errors
    /// Those of the store, for a link that is not known yet. A link that was known is followed while the store is away.
    pub async fn follow(&self, domain: &Domain, slug: &str, visit: &Visit<'_>) -> Result<Followed> {
        let Ok(slug) = Slug::parse(slug) else { return Ok(Followed::NotFound) };
        let Some(target) = self.look_up(domain, slug).await? else { return Ok(Followed::NotFound) };
        let now = self.clock.now();
        if target.is_limited && target.closed(now).is_none() {
            let take = match visit.kind {
                VisitKind::Click | VisitKind::Ahead => Take::One,
                VisitKind::Look => Take::Look,
            };
            match self.clicks.admit(target.link, take).await? {
                Admission::Admitted => {}
                Admission::UsedUp => return Ok(Followed::Gone(Status::UsedUp)),
                Admission::Gone => return Ok(Followed::NotFound),
            }
        }
        Ok(self.pass(&target, visit, now))
    }

    async fn look_up(&self, domain: &Domain, slug: Slug) -> Result<Option<Arc<Target>>> {
        let name = Name { domain: domain.clone(), slug };
        let mut stale = None;
        if let Some(known) = self.cache.known.get(&name) {
            if known.until > self.clock.now() {
                self.hits.increment(1);
                return Ok(known.target.clone());
            }
            self.cache.known.remove_if(&name, |there| Arc::ptr_eq(there, &known));
            stale = Some(known);
        }
        let guard = match self.cache.known.get_value_or_guard_async(&name).await {
            Ok(known) => return Ok(known.target.clone()),
            Err(guard) => guard,
        };
        self.misses.increment(1);
        let (target, believed) = match (self.links.find(domain, &name.slug).await, stale) {
            (Ok(Some(link)), _) => (Some(Arc::new(Target::of(&link))), BELIEVED),
            (Ok(None), _) => (None, ABSENCE_BELIEVED),
            (Err(error), Some(stale)) if stale.target.is_some() => {
                tracing::warn!(error = ?error, "the link store is away; following from memory");
                (stale.target.clone(), ABSENCE_BELIEVED)
            }
            (Err(error), _) => return Err(error),
        };
        let until = self.clock.now() + believed;
        // A link that changed during the look-up is not kept: `forget` has taken the place away.
        let _ = guard.insert(Arc::new(Known { target: target.clone(), until }));
        Ok(target)
    }

    /// Passes a visitor on, after the click is durable.
    fn pass(&self, target: &Arc<Target>, visit: &Visit<'_>, now: Timestamp) -> Followed {
        if let Some(status) = target.closed(now) {
            return Followed::Gone(status);
        }
        let counts = match visit.kind {
            VisitKind::Click => true,
            VisitKind::Ahead => target.is_limited,
            VisitKind::Look => false,
        };
        if counts {
            let hit = HitRef {
                link: target.link,
                workspace: target.workspace,
                at: now,
                address: visit.address,
                user_agent: visit.user_agent,
                referrer: visit.referrer,
            };
            match self.spool.append(&hit) {
                Ok(()) => {
                    if self.losing.load(Ordering::Relaxed) && self.losing.swap(false, Ordering::Relaxed) {
                        tracing::info!("clicks are spooled again");
                    }
                }
                // Counting never fails a redirect. That a click is lost is told to operators, once, and counted.
                Err(error) => {
                    self.lost.increment(1);
                    if !self.losing.swap(true, Ordering::Relaxed) {
                        tracing::error!(error = ?error, "clicks cannot be spooled, and are lost; links are still followed");
                    }
                }
            }
        }
        Followed::Redirect(target.clone())
    }
}

impl Target {
    /// For how many seconds from `now` on caches may keep its redirect: not beyond its expiry, and not at all where each
    /// follow is to be decided.
    pub fn cacheable(&self, now: Timestamp) -> Option<u32> {
        let wanted = self.cache_seconds.filter(|_| !self.is_limited)?;
        let left = self.expires_at.map_or(i64::MAX, |at| at.duration_since(now).as_secs());
        Some(wanted.min(u32::try_from(left.max(0)).unwrap_or(u32::MAX))).filter(|seconds| *seconds > 0)
    }

    fn closed(&self, now: Timestamp) -> Option<Status> {
        if self.is_disabled {
            Some(Status::Disabled)
        } else if self.expires_at.is_some_and(|at| at <= now) {
            Some(Status::Expired)
        } else {
            None
        }
    }
}

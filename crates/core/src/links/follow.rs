//! Following a link: the hot path, in front of the ports.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;

use super::look_up::LookUps;
use super::{Domain, LinkCache, LinkStore, Slug, Status, Target};
use crate::clicks::{Admission, ClickSpool, ClickStore, HitRef, Take};
use crate::clock::Clock;
use crate::error::Result;

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
    links: LookUps,
    clicks: Arc<dyn ClickStore>,
    spool: Arc<dyn ClickSpool>,
    clock: Arc<dyn Clock>,
    lost: metrics::Counter,
    losing: AtomicBool,
}

impl Follows {
    /// Over the stores and the spool; `cache` is shared with [`Changes`](super::Changes), which tell it what to forget.
    pub fn new(
        cache: Arc<LinkCache>,
        links: Arc<dyn LinkStore>,
        clicks: Arc<dyn ClickStore>,
        spool: Arc<dyn ClickSpool>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            links: LookUps::new(cache, links, clock.clone()),
            clicks,
            spool,
            clock,
            lost: metrics::counter!("waypost_clicks_lost_total"),
            losing: AtomicBool::new(false),
        }
    }

    /// Follows a link if that takes no waiting: it is known, and needs no admission. The click is durable when this
    /// returns. `None`: use [`follow`](Self::follow).
    pub fn follow_known(&self, domain: &Domain, slug: &str, visit: &Visit<'_>, now: Timestamp) -> Option<Followed> {
        match self.links.believed(domain, slug, now)? {
            None => Some(Followed::NotFound),
            Some(target) if target.is_limited => None,
            Some(target) => {
                let followed = self.pass(&target, visit, now);
                // What is closed is asked for again, by the way that takes its time, and counted there.
                if matches!(followed, Followed::Redirect(_)) {
                    self.links.hit();
                }
                Some(followed)
            }
        }
    }

    /// Whether a link is in memory, so that following it takes no question to the store, but for a limited one.
    pub fn knows(&self, domain: &Domain, slug: &str) -> bool {
        self.links.knows(domain, slug)
    }

    /// Follows a link.
    ///
    /// # Errors
    /// Those of the store, for a link that is not known yet or is limited. Any other is followed, without a wait, for as
    /// long as the store is away or hangs.
    pub async fn follow(&self, domain: &Domain, slug: &str, visit: &Visit<'_>) -> Result<Followed> {
        let Ok(slug) = Slug::parse(slug) else { return Ok(Followed::NotFound) };
        let Some(target) = self.links.find(domain, slug).await? else { return Ok(Followed::NotFound) };
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

//! What changed through this process, and telling the other nodes of it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::Notify;

use super::{Domain, Invalidations, LinkCache, LinkName, Slug};
use crate::engine::{Engine, Next};
use crate::error::Result;

/// Names that are kept while the carrier is away; about 2 MB. Beyond, the other nodes are told that anything may have
/// changed.
const MOST_UNTOLD: usize = 10_000;
/// Names of one announcement: as many as one bulk create makes.
const BATCH: usize = 1_000;

/// Links that changed through this process: forgotten here at once, and kept until the other nodes were told.
///
/// A link that changes again before it was told is told once.
#[derive(Debug)]
pub struct Changes {
    cache: Arc<LinkCache>,
    untold: Mutex<Untold>,
    noted: Notify,
}

#[derive(Debug)]
enum Untold {
    Names(HashSet<LinkName>),
    Everything,
}

impl Changes {
    /// Changes of links of which `cache` has copies.
    pub fn new(cache: Arc<LinkCache>) -> Self {
        Self { cache, untold: Mutex::new(Untold::Names(HashSet::new())), noted: Notify::new() }
    }

    /// Notes that a link changed. Waits for nobody.
    pub fn note(&self, domain: &Domain, slug: &Slug) {
        self.cache.forget(domain, slug);
        self.keep([LinkName { domain: domain.clone(), slug: slug.clone() }]);
        self.noted.notify_one();
    }

    fn keep(&self, names: impl IntoIterator<Item = LinkName>) {
        let mut untold = self.untold();
        if let Untold::Names(kept) = &mut *untold {
            kept.extend(names);
            if kept.len() > MOST_UNTOLD {
                *untold = Untold::Everything;
            }
        }
    }

    /// Takes what is to be told next: no names for everything, `None` for nothing.
    fn take(&self) -> Option<Vec<LinkName>> {
        let mut untold = self.untold();
        match &mut *untold {
            Untold::Names(names) if names.is_empty() => None,
            Untold::Names(names) if names.len() <= BATCH => Some(std::mem::take(names).into_iter().collect()),
            Untold::Names(names) => {
                let batch: Vec<_> = names.iter().take(BATCH).cloned().collect();
                for name in &batch {
                    names.remove(name);
                }
                Some(batch)
            }
            Untold::Everything => {
                *untold = Untold::Names(HashSet::new());
                Some(Vec::new())
            }
        }
    }

    /// Takes back what could not be told.
    fn put_back(&self, names: Vec<LinkName>) {
        if names.is_empty() {
            *self.untold() = Untold::Everything;
        }
        self.keep(names);
    }

    fn untold(&self) -> MutexGuard<'_, Untold> {
        self.untold.lock().expect("no code panics under this lock")
    }
}

/// Tells the other nodes what changed here. While the carrier is away, what is to be told waits.
#[derive(Debug)]
pub struct Announcer {
    changes: Arc<Changes>,
    carrier: Arc<dyn Invalidations>,
}

impl Announcer {
    /// Tells `carrier` of `changes`.
    pub fn new(changes: Arc<Changes>, carrier: Arc<dyn Invalidations>) -> Self {
        Self { changes, carrier }
    }
}

#[async_trait]
impl Engine for Announcer {
    fn name(&self) -> &'static str {
        "announcer"
    }

    async fn step(&mut self, now: Timestamp) -> Result<Next> {
        let Some(names) = self.changes.take() else {
            return Ok(Next::At(now + Duration::from_secs(60)));
        };
        if let Err(error) = self.carrier.announce(&names).await {
            self.changes.put_back(names);
            return Err(error);
        }
        metrics::counter!("waypost_changes_announced_total").increment(names.len().max(1) as u64);
        Ok(Next::Now)
    }

    async fn woken(&self) {
        self.changes.noted.notified().await;
    }
}

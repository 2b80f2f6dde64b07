//! A node: what one process of a platform has of links.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use waypost_adapters::memory::{MemoryClickSpool, MemoryStore};
use waypost_core::clock::{Clock as _, ManualClock};
use waypost_core::conformance::fixtures::{at, insert, plain, workspace};
use waypost_core::credentials::{Actor, Principal, Scopes};
use waypost_core::engine::Engine as _;
use waypost_core::entropy::SeededEntropy;
use waypost_core::fields::{self, Fields};
use waypost_core::ids::KeyId;
use waypost_core::layers::{Faulty, Layered};
use waypost_core::links::{
    Announcer, Atomicity, Changes, DestinationRules, Domain, Edit, Followed, Follows, Forgetter, Invalidations, Link,
    LinkCache, LinkStore, Links, Site, Visit, VisitKind,
};
use waypost_core::page::Cursors;
use waypost_core::{Kind, Result};

pub(super) struct Node {
    pub(super) links: Links,
    pub(super) follows: Follows,
    pub(super) announcer: Announcer,
    pub(super) forgetter: Forgetter,
    pub(super) carrier: Arc<dyn Invalidations>,
    pub(super) clock: ManualClock,
    /// The hand on the store, as those who follow see it.
    pub(super) reads: Faulty,
    site: Arc<Site>,
}

/// What a visitor sees.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Redirect(String),
    Nothing,
    Failure(Kind),
}

pub(super) fn to(destination: &str) -> Seen {
    Seen::Redirect(destination.to_owned())
}

impl Node {
    pub(super) fn new(store: &Arc<MemoryStore>, carrier: &Arc<dyn Invalidations>, clock: &ManualClock) -> Self {
        let entropy = Arc::new(SeededEntropy::new(1));
        let site = Arc::new(Site::new("https://way.example", &[], DestinationRules::default()).expect("a site"));
        let cache = Arc::new(LinkCache::new(1 << 20));
        let changes = Arc::new(Changes::new(cache.clone()));
        let reads = Faulty::default();
        let seen: Arc<dyn LinkStore> = store.clone();
        let spool = MemoryClickSpool::new(1 << 20, clock.now(), &*entropy);
        let timing = Arc::new(clock.clone());
        let cursors = Arc::new(Cursors::new([0; 32]));
        Self {
            links: Links::new(store.clone(), changes.clone(), cursors, site.clone(), timing.clone(), entropy),
            follows: Follows::new(
                cache.clone(),
                Arc::new(Layered::new(seen, reads.clone())),
                store.clone(),
                Arc::new(spool),
                timing,
            ),
            announcer: Announcer::new(changes, carrier.clone()),
            forgetter: Forgetter::new(cache, carrier.clone()),
            carrier: carrier.clone(),
            clock: clock.clone(),
            reads,
            site,
        }
    }

    /// Follows as a request does.
    pub(super) async fn follow(&self, link: &Link) -> Seen {
        let visit = Visit {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            user_agent: b"test",
            referrer: b"",
            kind: VisitKind::Click,
        };
        let (domain, slug) = (Domain::main(), link.slug.as_str());
        let followed = match self.follows.follow_known(&domain, slug, &visit, self.clock.now()) {
            Some(followed) => Ok(followed),
            None => self.follows.follow(&domain, slug, &visit).await,
        };
        match followed {
            Ok(Followed::Redirect(target)) => {
                Seen::Redirect(String::from_utf8(target.destination.to_vec()).expect("text"))
            }
            Ok(_) => Seen::Nothing,
            Err(error) => Seen::Failure(error.kind()),
        }
    }

    /// Follows until it sees this, as it must soon.
    pub(super) async fn comes_to_see(&self, link: &Link, expected: Seen) {
        for _ in 0..10_000 {
            if self.follow(link).await == expected {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("still sees {:?}, not {expected:?}", self.follow(link).await);
    }

    pub(super) async fn edit(&self, link: &Link, destination: &str) -> Result<Link> {
        let body = format!(r#"{{"destination": "{destination}"}}"#);
        let body = fields::parse(body.as_bytes()).expect("JSON");
        let read = || Edit::read(Fields::of_body(body)?, &self.site, self.clock.now());
        self.links.update(&somebody(), link.id, |_| true, read, None).await
    }

    pub(super) async fn delete(&self, link: &Link) -> Result<()> {
        self.links.delete(&somebody(), link.id, |_| true).await
    }

    /// Tells what changed here.
    pub(super) async fn announce(&mut self) -> Result<()> {
        self.announcer.step(self.clock.now()).await.map(drop)
    }

    /// Hears what others told.
    pub(super) async fn hear(&mut self) -> Result<()> {
        self.forgetter.step(self.clock.now()).await.map(drop)
    }
}

fn somebody() -> Principal {
    Principal {
        workspace: workspace(1),
        actor: Actor::Key(KeyId::from_bytes([1; 16])),
        scopes: Scopes::ALL,
        plan: None,
        traceparent: None,
    }
}

/// Puts a link into the store, behind the back of every node.
pub(super) async fn put(store: &MemoryStore, link: &Link) {
    let change = insert(link);
    store.write(plain(Atomicity::All, vec![(change, None)])).await.expect("a write");
}

pub(super) fn clock() -> ManualClock {
    ManualClock::new(at(0))
}

//! A link store that does as a test tells it: works, is away, panics, or waits.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::watch;
use waypost_core::ids::{LinkId, WorkspaceId};
use waypost_core::links::{Domain, Link, LinkAnchor, LinkQuery, LinkStore, LinkWrite, Slug, Written};
use waypost_core::page::Page;
use waypost_core::{Error, Kind, Result};

/// What the store does when it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Works,
    /// It cannot be reached; the cause holds text that is not for clients.
    Away,
    Panics,
    /// It answers once it works again.
    Waits,
}

/// The hand on the store.
#[derive(Clone, Debug)]
pub(crate) struct Steering(Arc<watch::Sender<(Mood, usize)>>);

impl Default for Steering {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new((Mood::Works, 0))))
    }
}

impl Steering {
    pub(crate) fn set(&self, mood: Mood) {
        self.0.send_modify(|state| state.0 = mood);
    }

    /// Returns once `count` calls in all have reached the store while it waits.
    pub(crate) async fn reached(&self, count: usize) {
        self.0.subscribe().wait_for(|(_, waiting)| *waiting >= count).await.unwrap();
    }

    async fn obey(&self) -> Result<()> {
        match self.0.borrow().0 {
            Mood::Works => return Ok(()),
            Mood::Away => {
                let cause = std::io::Error::other("driver: 57P03 at /var/lib/waypost/secret.db");
                return Err(Error::new(Kind::Unavailable, "The store is away").with_source(cause));
            }
            Mood::Panics => panic!("a row at /var/lib/waypost/secret.db"),
            Mood::Waits => {}
        }
        self.0.send_modify(|state| state.1 += 1);
        let _ = self.0.subscribe().wait_for(|(mood, _)| *mood == Mood::Works).await;
        Ok(())
    }
}

#[derive(Debug)]
pub(crate) struct SteeredLinks {
    inner: Arc<dyn LinkStore>,
    steering: Steering,
}

impl SteeredLinks {
    pub(crate) fn new(inner: Arc<dyn LinkStore>, steering: Steering) -> Self {
        Self { inner, steering }
    }
}

#[async_trait]
impl LinkStore for SteeredLinks {
    async fn get(&self, workspace: WorkspaceId, id: LinkId) -> Result<Option<Link>> {
        self.steering.obey().await?;
        self.inner.get(workspace, id).await
    }

    async fn find(&self, domain: &Domain, slug: &Slug) -> Result<Option<Link>> {
        self.steering.obey().await?;
        self.inner.find(domain, slug).await
    }

    async fn list(&self, query: &LinkQuery) -> Result<Page<Link, LinkAnchor>> {
        self.steering.obey().await?;
        self.inner.list(query).await
    }

    async fn write(&self, write: LinkWrite<'_>) -> Result<Written> {
        self.steering.obey().await?;
        self.inner.write(write).await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Link>> {
        self.steering.obey().await?;
        self.inner.due(now, limit).await
    }
}

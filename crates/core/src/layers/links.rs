//! The link store, inside a layer.

use async_trait::async_trait;
use jiff::Timestamp;

use super::layer::Once;
use super::{Call, Layer, Layered, Repeat};
use crate::error::Result;
use crate::ids::{LinkId, WorkspaceId};
use crate::links::{Domain, Link, LinkAnchor, LinkQuery, LinkStore, LinkWrite, Slug, Written};
use crate::page::Page;

const fn call(name: &'static str, repeat: Repeat) -> Call {
    Call { port: "links", name, repeat }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<L: Layer> LinkStore for Layered<dyn LinkStore, L> {
    async fn get(&self, workspace: WorkspaceId, id: LinkId) -> Result<Option<Link>> {
        self.layer.around(call("get", Repeat::Safe), || self.inner.get(workspace, id)).await
    }

    async fn find(&self, domain: &Domain, slug: &Slug) -> Result<Option<Link>> {
        self.layer.around(call("find", Repeat::Safe), || self.inner.find(domain, slug)).await
    }

    async fn list(&self, query: &LinkQuery) -> Result<Page<Link, LinkAnchor>> {
        self.layer.around(call("list", Repeat::Safe), || self.inner.list(query)).await
    }

    // One that was made refuses its repetition: the slug is taken, the version stale. Retried under its key, it is safe.
    async fn write(&self, write: LinkWrite<'_>) -> Result<Written> {
        let write = Once::new(write);
        let work = || Box::pin(async { self.inner.write(write.take()?).await }) as _;
        self.layer.around(call("write", Repeat::Never), work).await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Link>> {
        self.layer.around(call("due", Repeat::Safe), || self.inner.due(now, limit)).await
    }
}

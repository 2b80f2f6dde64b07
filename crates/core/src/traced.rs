//! A wrapper that times every call of a port.
//!
//! [`Traced`] is the port that it wraps, and passes the same suite. Each call is told to the `metrics` facade:
//! `waypost_store_duration_seconds{port, call}`, and `waypost_store_errors_total{port, call}` if it failed.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::clicks::{Admission, Appended, Click, ClickAnchor, ClickBatch, ClickStore, Stats, StatsQuery, Take};
use crate::clock::Clock;
use crate::error::Result;
use crate::events::Event;
use crate::idempotency::{Answer, Claim, ClaimRequest, IdempotencyStore, Lease, Settled};
use crate::ids::{LinkId, WorkspaceId};
use crate::links::{Domain, Link, LinkAnchor, LinkQuery, LinkStore, LinkWrite, Slug, Written};
use crate::outbox::{Backlog, Claimed, DeadEntry, Outbox, Verdict};
use crate::page::Page;

/// A port whose calls are timed.
#[derive(Debug)]
pub struct Traced<P: ?Sized> {
    inner: Arc<P>,
    clock: Arc<dyn Clock>,
}

impl<P: ?Sized> Traced<P> {
    /// Times the calls of `inner` by `clock`.
    pub fn new(inner: Arc<P>, clock: Arc<dyn Clock>) -> Self {
        Self { inner, clock }
    }

    async fn time<T>(
        &self,
        port: &'static str,
        call: &'static str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let started = self.clock.now();
        let outcome = work.await;
        let took = Duration::try_from(self.clock.now().duration_since(started)).unwrap_or_default();
        metrics::histogram!("waypost_store_duration_seconds", "port" => port, "call" => call).record(took);
        if outcome.is_err() {
            metrics::counter!("waypost_store_errors_total", "port" => port, "call" => call).increment(1);
        }
        outcome
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LinkStore for Traced<dyn LinkStore> {
    async fn get(&self, workspace: WorkspaceId, id: LinkId) -> Result<Option<Link>> {
        self.time("links", "get", self.inner.get(workspace, id)).await
    }

    async fn find(&self, domain: &Domain, slug: &Slug) -> Result<Option<Link>> {
        self.time("links", "find", self.inner.find(domain, slug)).await
    }

    async fn list(&self, query: &LinkQuery) -> Result<Page<Link, LinkAnchor>> {
        self.time("links", "list", self.inner.list(query)).await
    }

    async fn write(&self, write: LinkWrite<'_>) -> Result<Written> {
        self.time("links", "write", self.inner.write(write)).await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Link>> {
        self.time("links", "due", self.inner.due(now, limit)).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ClickStore for Traced<dyn ClickStore> {
    async fn append(&self, batch: ClickBatch<'_>) -> Result<Appended> {
        self.time("clicks", "append", self.inner.append(batch)).await
    }

    async fn admit(&self, link: LinkId, take: Take) -> Result<Admission> {
        self.time("clicks", "admit", self.inner.admit(link, take)).await
    }

    async fn stats(&self, query: &StatsQuery) -> Result<Stats> {
        self.time("clicks", "stats", self.inner.stats(query)).await
    }

    async fn list(&self, workspace: WorkspaceId, after: Option<ClickAnchor>, limit: usize) -> Result<Vec<Click>> {
        self.time("clicks", "list", self.inner.list(workspace, after, limit)).await
    }

    async fn forget(&self, before: Timestamp, limit: usize) -> Result<usize> {
        self.time("clicks", "forget", self.inner.forget(before, limit)).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl IdempotencyStore for Traced<dyn IdempotencyStore> {
    async fn claim(&self, request: &ClaimRequest) -> Result<Claim> {
        self.time("idempotency", "claim", self.inner.claim(request)).await
    }

    async fn complete(&self, lease: &Lease, answer: &Answer, keep_until: Timestamp) -> Result<Settled> {
        self.time("idempotency", "complete", self.inner.complete(lease, answer, keep_until)).await
    }

    async fn release(&self, lease: &Lease) -> Result<Settled> {
        self.time("idempotency", "release", self.inner.release(lease)).await
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<usize> {
        self.time("idempotency", "sweep", self.inner.sweep(now, limit)).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Outbox for Traced<dyn Outbox> {
    async fn append(&self, events: &[Event]) -> Result<()> {
        self.time("outbox", "append", self.inner.append(events)).await
    }

    async fn claim(&self, limit: usize, now: Timestamp, lease: Duration) -> Result<Vec<Claimed>> {
        self.time("outbox", "claim", self.inner.claim(limit, now, lease)).await
    }

    async fn settle(&self, verdicts: &[Verdict]) -> Result<usize> {
        self.time("outbox", "settle", self.inner.settle(verdicts)).await
    }

    async fn backlog(&self) -> Result<Backlog> {
        self.time("outbox", "backlog", self.inner.backlog()).await
    }

    async fn dead(&self, limit: usize) -> Result<Vec<DeadEntry>> {
        self.time("outbox", "dead", self.inner.dead(limit)).await
    }

    async fn redrive(&self, limit: usize) -> Result<usize> {
        self.time("outbox", "redrive", self.inner.redrive(limit)).await
    }

    // Waiting for something to do is no latency.
    async fn wait(&self) {
        self.inner.wait().await;
    }
}

//! The outbox, inside a layer.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Call, Layer, Layered, Repeat};
use crate::error::Result;
use crate::events::Event;
use crate::outbox::{Backlog, Claimed, DeadEntry, Outbox, Verdict};

const fn call(name: &'static str, repeat: Repeat) -> Call {
    Call { port: "outbox", name, repeat }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<L: Layer> Outbox for Layered<dyn Outbox, L> {
    // Twice the entries.
    async fn append(&self, events: &[Event]) -> Result<()> {
        self.layer.around(call("append", Repeat::Never), || self.inner.append(events)).await
    }

    // What the first claim took would be held up until its lease ends.
    async fn claim(&self, limit: usize, now: Timestamp, lease: Duration) -> Result<Vec<Claimed>> {
        self.layer.around(call("claim", Repeat::Never), || self.inner.claim(limit, now, lease)).await
    }

    // Fenced, so what was settled is left alone; but it is not counted among those that held.
    async fn settle(&self, verdicts: &[Verdict]) -> Result<usize> {
        self.layer.around(call("settle", Repeat::Never), || self.inner.settle(verdicts)).await
    }

    async fn backlog(&self) -> Result<Backlog> {
        self.layer.around(call("backlog", Repeat::Safe), || self.inner.backlog()).await
    }

    async fn dead(&self, limit: usize) -> Result<Vec<DeadEntry>> {
        self.layer.around(call("dead", Repeat::Safe), || self.inner.dead(limit)).await
    }

    // Gives back as many again.
    async fn redrive(&self, limit: usize) -> Result<usize> {
        self.layer.around(call("redrive", Repeat::Never), || self.inner.redrive(limit)).await
    }

    async fn wait(&self) {
        self.inner.wait().await;
    }
}

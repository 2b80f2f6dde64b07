//! The log of events, inside a layer.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Call, Layer, Layered, Repeat};
use crate::error::Result;
use crate::events::{Acked, Batch, Bounds, Event, EventBus, EventFilter, Position, Read};

const fn call(name: &'static str, repeat: Repeat) -> Call {
    Call { port: "events", name, repeat }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<L: Layer> EventBus for Layered<dyn EventBus, L> {
    // An event is in the log once by its id, and answers with its place of then.
    async fn publish(&self, events: &[Event]) -> Result<Vec<Position>> {
        self.layer.around(call("publish", Repeat::Safe), || self.inner.publish(events)).await
    }

    async fn read(&self, after: Position, filter: &EventFilter, limit: usize) -> Result<Read> {
        self.layer.around(call("read", Repeat::Safe), || self.inner.read(after, filter, limit)).await
    }

    async fn bounds(&self) -> Result<Bounds> {
        self.layer.around(call("bounds", Repeat::Safe), || self.inner.bounds()).await
    }

    async fn wait(&self, after: Position) -> Result<()> {
        self.inner.wait(after).await
    }

    // The group would be held up by the lease of the first.
    async fn consume(&self, group: &str, limit: usize, now: Timestamp, lease: Duration) -> Result<Option<Batch>> {
        self.layer.around(call("consume", Repeat::Never), || self.inner.consume(group, limit, now, lease)).await
    }

    // Once acknowledged, a batch answers that it was superseded, though it was not.
    async fn ack(&self, group: &str, batch: &Batch) -> Result<Acked> {
        self.layer.around(call("ack", Repeat::Never), || self.inner.ack(group, batch)).await
    }

    // Forgets more of what is to be forgotten, and nothing else.
    async fn trim(&self, before: Timestamp, limit: usize) -> Result<usize> {
        self.layer.around(call("trim", Repeat::Safe), || self.inner.trim(before, limit)).await
    }
}

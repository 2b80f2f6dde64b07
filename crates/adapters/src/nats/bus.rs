//! The port of the event log.

use std::sync::Arc;
use std::time::Duration;

use async_nats::Message;
use async_nats::header::NATS_SEQUENCE;
use async_trait::async_trait;
use futures_util::StreamExt as _;
use jiff::Timestamp;
use waypost_core::Result;
use waypost_core::events::{Acked, Batch, Bounds, Event, EventBus, EventFilter, Position, Read};

use super::connection::Nats;
use super::error::Fault;
use super::reader::Readers;
use super::{groups, log, publish};

/// A durable log of events in a JetStream stream. Clones share the consumers that they keep for reading on.
#[derive(Clone, Debug)]
pub struct NatsEventBus {
    nats: Nats,
    readers: Arc<Readers>,
}

impl NatsEventBus {
    /// The log in `nats`.
    pub fn new(nats: &Nats) -> Self {
        Self { nats: nats.clone(), readers: Arc::default() }
    }

    async fn wait_beyond(&self, after: Position) -> Result<(), Fault> {
        // Both before the look: what is stored after the look wakes, and so does a connection that was broken
        // meanwhile.
        let mut connections = self.nats.connections();
        let mut told = self.nats.client()?.subscribe(self.nats.told()).await?;
        let bounds = self.nats.bounds().await?;
        if !log::covers(bounds, after) || after != bounds.end {
            return Ok(());
        }
        loop {
            tokio::select! {
                message = told.next() => match message {
                    Some(message) if place(&message).is_some_and(|offset| offset <= after.offset) => {}
                    _ => return Ok(()),
                },
                _ = connections.changed() => return Ok(()),
            }
        }
    }
}

/// The place of an event that was stored.
fn place(message: &Message) -> Option<u64> {
    message.headers.as_ref()?.get(NATS_SEQUENCE)?.as_str().parse().ok()
}

#[async_trait]
impl EventBus for NatsEventBus {
    async fn publish(&self, events: &[Event]) -> Result<Vec<Position>> {
        Ok(publish::append(&self.nats, events).await?)
    }

    async fn read(&self, after: Position, filter: &EventFilter, limit: usize) -> Result<Read> {
        Ok(log::read(&self.nats, &self.readers, after, filter, limit).await?)
    }

    async fn bounds(&self) -> Result<Bounds> {
        Ok(self.nats.bounds().await?)
    }

    async fn wait(&self, after: Position) -> Result<()> {
        Ok(self.wait_beyond(after).await?)
    }

    async fn consume(&self, group: &str, limit: usize, now: Timestamp, lease: Duration) -> Result<Option<Batch>> {
        Ok(groups::consume(&self.nats, &self.readers, group, limit, (now, lease)).await?)
    }

    async fn ack(&self, group: &str, batch: &Batch) -> Result<Acked> {
        Ok(groups::ack(&self.nats, group, batch).await?)
    }

    async fn trim(&self, before: Timestamp, limit: usize) -> Result<usize> {
        Ok(log::trim(&self.nats, before, limit).await?)
    }
}

//! A log that another takes the place of, as when a store is made anew under a server that runs.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use waypost_core::Result;
use waypost_core::events::{Acked, Batch, Bounds, EventFilter, Read};

use super::*;

#[derive(Debug)]
pub(super) struct SwappedBus(Mutex<Arc<MemoryEventBus>>);

impl SwappedBus {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Arc::new(MemoryEventBus::new(&SeededEntropy::new(1)))))
    }

    /// From now on it is another log, of an epoch of its own.
    pub(super) fn swap(&self, seed: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(MemoryEventBus::new(&SeededEntropy::new(seed)));
    }

    fn now(&self) -> Arc<MemoryEventBus> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl EventBus for SwappedBus {
    async fn publish(&self, events: &[Event]) -> Result<Vec<Position>> {
        self.now().publish(events).await
    }

    async fn read(&self, after: Position, filter: &EventFilter, limit: usize) -> Result<Read> {
        self.now().read(after, filter, limit).await
    }

    async fn bounds(&self) -> Result<Bounds> {
        self.now().bounds().await
    }

    async fn wait(&self, after: Position) -> Result<()> {
        self.now().wait(after).await
    }

    async fn consume(&self, group: &str, limit: usize, now: Timestamp, lease: Duration) -> Result<Option<Batch>> {
        self.now().consume(group, limit, now, lease).await
    }

    async fn ack(&self, group: &str, batch: &Batch) -> Result<Acked> {
        self.now().ack(group, batch).await
    }

    async fn trim(&self, before: Timestamp, limit: usize) -> Result<usize> {
        self.now().trim(before, limit).await
    }
}

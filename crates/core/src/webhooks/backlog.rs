//! Telling what is owed.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::DeliveryQueue;
use crate::engine::{Engine, Next};
use crate::error::Result;

/// How often: to count what is owed may cost the store as much as sending some of it does.
const EVERY: Duration = Duration::from_secs(5);

/// Measures what is owed to all endpoints. An engine of its own, since nothing may wait for it.
#[derive(Debug)]
pub struct Backlog {
    queue: Arc<dyn DeliveryQueue>,
}

impl Backlog {
    /// Of `queue`.
    pub fn new(queue: Arc<dyn DeliveryQueue>) -> Self {
        Self { queue }
    }
}

#[async_trait]
impl Engine for Backlog {
    fn name(&self) -> &'static str {
        "webhook_backlog"
    }

    async fn step(&mut self, now: Timestamp) -> Result<Next> {
        let backlog = self.queue.backlog().await?;
        let lag = backlog.oldest.map_or(0.0, |oldest| now.duration_since(oldest).as_secs_f64().max(0.0));
        metrics::gauge!("waypost_webhook_waiting").set(backlog.waiting as f64);
        metrics::gauge!("waypost_webhook_lag_seconds").set(lag);
        Ok(Next::At(now + EVERY))
    }
}

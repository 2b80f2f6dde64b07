//! Forgetting deliveries that nobody asks for any more.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::DeliveryLog;
use crate::engine::{Engine, Next};
use crate::error::Result;

/// Forgets deliveries and their attempts, by whole days, and none that is still owed.
#[derive(Debug)]
pub struct DeliveryRetention {
    log: Arc<dyn DeliveryLog>,
    keep: Duration,
}

impl DeliveryRetention {
    /// Keeps what is in `log` for `keep`.
    pub fn new(log: Arc<dyn DeliveryLog>, keep: Duration) -> Self {
        Self { log, keep }
    }
}

#[async_trait]
impl Engine for DeliveryRetention {
    fn name(&self) -> &'static str {
        "webhook_retention"
    }

    async fn step(&mut self, now: Timestamp) -> Result<Next> {
        let days = self.log.trim(now - self.keep).await?;
        if days > 0 {
            tracing::info!(days, "forgot deliveries");
        }
        Ok(Next::At(now + Duration::from_secs(3_600)))
    }
}

//! Fetching keys ahead of need.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::Issuer;
use crate::engine::{Engine, Next};
use crate::error::Result;

/// Fetches the keys of an issuer: at the start, and each time before what was said of their age runs out. So no request
/// waits for an issuer, and one that goes away for an hour is noticed in the log alone. Each issuer has one of its own: one
/// that is away keeps nobody from asking the others.
#[derive(Debug)]
pub struct KeyRefresher {
    issuer: Arc<Issuer>,
}

impl KeyRefresher {
    /// Of this issuer.
    pub fn new(issuer: Arc<Issuer>) -> Self {
        Self { issuer }
    }
}

#[async_trait]
impl Engine for KeyRefresher {
    fn name(&self) -> &'static str {
        "issuer-keys"
    }

    async fn step(&mut self, now: Timestamp) -> Result<Next> {
        // An issuer that is away is no failure of the round: it has its own next try.
        self.issuer.refresh(now).await;
        Ok(Next::At(self.issuer.due().unwrap_or(now + Duration::from_secs(3_600))))
    }
}

//! Fetching keys ahead of need.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use jiff::Timestamp;

use super::Issuer;
use crate::engine::{Engine, Next};
use crate::error::Result;

/// Fetches the keys of all issuers: at the start, and each time before what was said of their age runs out. So no request
/// waits for an issuer, and one that goes away for an hour is noticed in the log alone.
#[derive(Debug)]
pub struct KeyRefresher {
    issuers: Vec<Arc<Issuer>>,
}

impl KeyRefresher {
    /// Over these issuers.
    pub fn new(issuers: Vec<Arc<Issuer>>) -> Self {
        Self { issuers }
    }
}

#[async_trait]
impl Engine for KeyRefresher {
    fn name(&self) -> &'static str {
        "issuer-keys"
    }

    async fn step(&mut self, now: Timestamp) -> Result<Next> {
        // An issuer that is away is no failure of the round: each has its own next try.
        join_all(self.issuers.iter().map(|issuer| issuer.refresh(now))).await;
        let due = self.issuers.iter().filter_map(|issuer| issuer.due()).min();
        Ok(Next::At(due.unwrap_or(now + Duration::from_secs(3_600))))
    }
}

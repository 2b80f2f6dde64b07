//! Forgetting grants that are over.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::GrantStore;
use crate::engine::{Engine, Next};
use crate::error::Result;

/// How long what is over is kept. A week: a refresh token that is used again, or shown after the end, is recognised for
/// what it was, and whoever stole it over a long weekend is still found out.
const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How often it is looked for. An hour: what is over is in nobody's way, so only the room that it takes counts.
const EVERY: Duration = Duration::from_secs(60 * 60);
/// Of each kind at a time, so that a round is one short transaction, and others get their turn between two.
const BATCH: u32 = 500;

/// Forgets grants, tokens and denials a week after they were over.
#[derive(Debug)]
pub struct GrantSweeper {
    store: Arc<dyn GrantStore>,
}

impl GrantSweeper {
    /// Sweeps `store`.
    pub fn new(store: Arc<dyn GrantStore>) -> Self {
        Self { store }
    }
}

#[async_trait]
impl Engine for GrantSweeper {
    fn name(&self) -> &'static str {
        "grant_sweeper"
    }

    async fn step(&mut self, now: Timestamp) -> Result<Next> {
        let before = now.saturating_sub(KEPT).unwrap_or(Timestamp::MIN);
        let swept = self.store.sweep(before, BATCH).await?;
        // As many in all as there may be of one kind: of one there may be more.
        Ok(if swept >= u64::from(BATCH) { Next::Now } else { Next::At(now + EVERY) })
    }
}

//! Having the disk keep the spool.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use waypost_adapters::file::FileClickSpool;
use waypost_core::Result;
use waypost_core::engine::{Engine, Next};

/// Syncs the spool once a second, so that a power cut takes about a second's clicks. The death of the process takes
/// none, with or without it.
#[derive(Debug)]
pub(super) struct SpoolSync(pub(super) Arc<FileClickSpool>);

#[async_trait]
impl Engine for SpoolSync {
    fn name(&self) -> &'static str {
        "spool_sync"
    }

    async fn step(&mut self, now: Timestamp) -> Result<Next> {
        self.0.sync().await?;
        Ok(Next::At(now + Duration::from_secs(1)))
    }
}

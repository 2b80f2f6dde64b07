//! Telling that a link has expired.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Atomicity, Change, LinkStore, LinkWrite, Links};
use crate::engine::{Engine, Next};
use crate::error::Result;

/// Emits `link.expired` for each link whose time is over, once. The link itself needs nobody: it is gone from its moment
/// on, whether or not this engine runs.
#[derive(Debug)]
pub struct Expiry {
    store: Arc<dyn LinkStore>,
    links: Links,
}

impl Expiry {
    /// Over `store`, telling what `links` would tell.
    pub fn new(store: Arc<dyn LinkStore>, links: Links) -> Self {
        Self { store, links }
    }
}

#[async_trait]
impl Engine for Expiry {
    fn name(&self) -> &'static str {
        "expiry"
    }

    async fn step(&mut self, now: Timestamp) -> Result<Next> {
        const BATCH: usize = 500;
        let due = self.store.due(now, BATCH).await?;
        let mut changes = Vec::with_capacity(due.len());
        for link in &due {
            let change = Change::Expire { workspace: link.workspace, id: link.id, expected: link.version };
            changes.push((change, Some(self.links.told("link.expired", link, None)?)));
        }
        if !changes.is_empty() {
            // One that was edited meanwhile is refused, and is due again if its time is still over.
            self.store.write(LinkWrite { changes, atomicity: Atomicity::Each, keyed: None }).await?;
        }
        Ok(if due.len() == BATCH { Next::Now } else { Next::At(now + Duration::from_secs(1)) })
    }
}

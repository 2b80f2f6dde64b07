//! The one reader of the log.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::Hub;
use crate::engine::{Engine, Next};
use crate::error::Result;
use crate::events::{EventFilter, Read};

/// How many events are read at once: as many as a busy second brings.
const BATCH: usize = 500;
/// How often to look without being woken.
const POLL: Duration = Duration::from_secs(1);
/// How often to let go of what was held long enough: each topic is looked at for it.
const FORGET: Duration = Duration::from_secs(3);

/// Reads the log from its end on, for all sessions of a node.
///
/// It reads what the log has, in order, and believes no message on the way: what a wake-up was lost for is there at the
/// next look. So there are no holes in what it passes on but those that the log itself tells of.
#[derive(Debug)]
pub struct Tail {
    hub: Arc<Hub>,
    /// When to let go of what was held long enough.
    forget_at: Timestamp,
}

impl Tail {
    /// Reads for `hub`.
    pub fn new(hub: Arc<Hub>) -> Self {
        Self { hub, forget_at: Timestamp::MIN }
    }
}

#[async_trait]
impl Engine for Tail {
    fn name(&self) -> &'static str {
        "live_tail"
    }

    async fn step(&mut self, now: Timestamp) -> Result<Next> {
        if self.forget_at <= now {
            self.hub.forget(now);
            self.forget_at = now + FORGET;
        }
        let head = match self.hub.head() {
            Some(head) if !self.hub.is_idle() => head,
            // Nobody listens: what is in the log is nobody's news.
            _ => {
                let end = self.hub.bus.bounds().await?.end;
                return Ok(if self.hub.skip_to(end) { Next::At(now + POLL) } else { Next::Now });
            }
        };
        match self.hub.bus.read(head, &EventFilter::default(), BATCH).await? {
            Read::Events { events, next, more } => {
                self.hub.publish(&events, next);
                Ok(if more { Next::Now } else { Next::At(now + POLL) })
            }
            Read::Reset(bounds) => {
                tracing::warn!("the log was trimmed or made anew before it was read; live sessions ask it themselves");
                metrics::counter!("waypost_live_tail_resets_total").increment(1);
                self.hub.tear(bounds.end);
                Ok(Next::Now)
            }
        }
    }

    async fn woken(&self) {
        let head = self.hub.head().filter(|_| !self.hub.is_idle());
        let Some(head) = head else { return self.hub.listened.notified().await };
        // A log that cannot be waited for is looked at in time.
        if self.hub.bus.wait(head).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

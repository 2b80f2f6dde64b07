//! The teller: from what was counted into the outbox.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::Notify;

use super::{ClickStore, Owed, Telling, Told};
use crate::clock::Clock;
use crate::engine::{Engine, Next};
use crate::entropy::Entropy;
use crate::error::Result;
use crate::events::{Event, EventType, Payload};
use crate::ids::EventId;
use crate::wire::v1;

/// How the teller works.
#[derive(Clone, Copy, Debug)]
pub struct TellerOptions {
    /// How often a link is told at most, and how often to look for what other nodes left: four times a second, which is as
    /// fast as people read a number that changes.
    pub every: Duration,
    /// How many links a round tells of: enough that a busy store is one round trip per thousand events.
    pub batch: usize,
}

impl Default for TellerOptions {
    fn default() -> Self {
        Self { every: Duration::from_millis(250), batch: 1_000 }
    }
}

/// Has the store tell of what was counted, as `link.clicked`: of a quiet link at once, of a busy one a few times a second.
/// Any number of nodes may do so; together they tell no more often than one.
///
/// A teller that dies before it has committed has told nothing, and after it everything: the next one goes on from there.
#[derive(Debug)]
pub struct Teller {
    store: Arc<dyn ClickStore>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    counted: Arc<Notify>,
    options: TellerOptions,
}

impl Teller {
    /// Tells what `store` owes, and looks at once when `counted` is notified.
    pub fn new(
        store: Arc<dyn ClickStore>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        counted: Arc<Notify>,
        options: TellerOptions,
    ) -> Self {
        Self { store, clock, entropy, counted, options }
    }

    /// Has a batch told.
    async fn tell(&self, now: Timestamp, every: Duration) -> Result<Told> {
        let events = |owed: &[Owed]| owed.iter().filter_map(|owed| self.event(now, owed)).collect();
        let told = self.store.tell(Telling { now, every, limit: self.options.batch, events: &events }).await?;
        metrics::counter!("waypost_clicks_told_total").increment(told.links as u64);
        Ok(told)
    }

    fn event(&self, now: Timestamp, owed: &Owed) -> Option<Event> {
        let link = owed.link.to_string();
        let data = v1::Clicked {
            link: v1::ClickedLink { id: link.clone() },
            clicks: owed.clicks.into(),
            total: owed.total.into(),
        };
        Some(Event {
            id: EventId::fresh(now, &*self.entropy),
            kind: EventType::parse("link.clicked").expect("a type of ours"),
            version: 1,
            created_at: now,
            workspace: owed.workspace,
            subject: Some(link),
            traceparent: None,
            data: Payload::of(&data).ok()?,
        })
    }
}

#[async_trait]
impl Engine for Teller {
    fn name(&self) -> &'static str {
        "teller"
    }

    async fn step(&mut self, now: Timestamp) -> Result<Next> {
        let every = self.options.every;
        let told = self.tell(now, every).await?;
        let poll = now + every;
        Ok(match told.next {
            Some(next) if next > now => Next::At(next.min(poll)),
            // What nobody could take is not asked for again at once.
            Some(_) if told.links > 0 => Next::Now,
            _ => Next::At(poll),
        })
    }

    async fn woken(&self) {
        self.counted.notified().await;
    }

    /// Tells all that is owed, without a wait: nobody of this process would come back for it.
    async fn finish(&mut self) -> Result<()> {
        loop {
            let now = self.clock.now();
            let told = self.tell(now, Duration::ZERO).await?;
            if told.links == 0 || told.next.is_none_or(|next| next > now) {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests;

//! The relay: from the outbox to the bus.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Backoff, Claimed, Outbox, Ruling, Verdict};
use crate::engine::{Engine, Next};
use crate::entropy::Entropy;
use crate::error::Result;
use crate::events::{Event, EventBus};

/// How the relay works.
#[derive(Clone, Copy, Debug)]
pub struct RelayOptions {
    /// How many entries a claim takes: enough that a busy outbox is one round trip per thousand.
    pub batch: usize,
    /// How long a claim is held. A relay that dies holds its entries up for this long.
    pub lease: Duration,
    /// How often to look without being woken, for entries that other nodes wrote.
    pub poll: Duration,
    /// How long to wait after a failure.
    pub backoff: Backoff,
    /// After how many failures an entry is set aside, if the bus is there and will not take it. One that waits for a bus
    /// that is away, or behind another of its key, is never set aside.
    pub most_attempts: u32,
}

impl Default for RelayOptions {
    fn default() -> Self {
        Self {
            batch: 1_000,
            lease: Duration::from_secs(30),
            poll: Duration::from_secs(1),
            backoff: Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(30) },
            most_attempts: 10_000,
        }
    }
}

/// Claims batches from the outbox, publishes them, and settles them. At least once: a relay that dies between publish
/// and settle publishes again, and the bus drops what it has.
#[derive(Debug)]
pub struct Relay {
    outbox: Arc<dyn Outbox>,
    bus: Arc<dyn EventBus>,
    entropy: Arc<dyn Entropy>,
    options: RelayOptions,
}

impl Relay {
    /// From `outbox` to `bus`.
    pub fn new(
        outbox: Arc<dyn Outbox>,
        bus: Arc<dyn EventBus>,
        entropy: Arc<dyn Entropy>,
        options: RelayOptions,
    ) -> Self {
        Self { outbox, bus, entropy, options }
    }

    /// Publishes a batch at one go, or, if that fails, one by one, so that an event which the bus will not take holds
    /// up only its own key.
    async fn publish(&self, claimed: &[Claimed], now: Timestamp) -> Vec<Verdict> {
        let verdict = |claim: &Claimed, ruling| Verdict { entry: claim.entry, token: claim.token, ruling };
        let events: Vec<Event> = claimed.iter().map(|claim| claim.event.clone()).collect();
        let Err(error) = self.bus.publish(&events).await else {
            return claimed.iter().map(|claim| verdict(claim, Ruling::Ack)).collect();
        };
        tracing::warn!(error = ?error, events = events.len(), "a batch was not published; trying one by one");
        let mut stuck = HashSet::new();
        let mut away = error.is_retryable();
        let mut verdicts = Vec::with_capacity(claimed.len());
        for (claim, event) in claimed.iter().zip(&events) {
            let key = event.ordering_key();
            let outcome = if away || stuck.contains(&key) {
                None
            } else {
                Some(self.bus.publish(std::slice::from_ref(event)).await)
            };
            let ruling = match outcome {
                Some(Ok(_)) => Ruling::Ack,
                Some(Err(error)) if !error.is_retryable() && claim.attempts + 1 >= self.options.most_attempts => {
                    Ruling::Dead(error.to_string())
                }
                Some(Err(error)) => {
                    away = error.is_retryable();
                    stuck.insert(key);
                    self.retry(claim, now)
                }
                // The bus is away, or an earlier event of this key waits: this one waits behind it.
                None => self.retry(claim, now),
            };
            verdicts.push(verdict(claim, ruling));
        }
        verdicts
    }

    fn retry(&self, claim: &Claimed, now: Timestamp) -> Ruling {
        Ruling::Retry(now + self.options.backoff.wait(claim.attempts + 1, &*self.entropy))
    }
}

#[async_trait]
impl Engine for Relay {
    fn name(&self) -> &'static str {
        "relay"
    }

    async fn step(&mut self, now: Timestamp) -> Result<Next> {
        let claimed = self.outbox.claim(self.options.batch, now, self.options.lease).await?;
        if !claimed.is_empty() {
            let verdicts = self.publish(&claimed, now).await;
            let published = verdicts.iter().filter(|verdict| verdict.ruling == Ruling::Ack).count();
            self.outbox.settle(&verdicts).await?;
            metrics::counter!("waypost_relay_published_total").increment(published as u64);
        }
        if claimed.len() == self.options.batch {
            return Ok(Next::Now);
        }
        let backlog = self.outbox.backlog().await?;
        let lag = backlog.oldest.map_or(0.0, |oldest| now.duration_since(oldest).as_secs_f64().max(0.0));
        metrics::gauge!("waypost_relay_lag_seconds").set(lag);
        metrics::gauge!("waypost_outbox_waiting").set(backlog.waiting as f64);
        metrics::gauge!("waypost_outbox_dead").set(backlog.dead as f64);
        Ok(Next::At(now + self.options.poll))
    }

    async fn woken(&self) {
        self.outbox.wait().await;
    }
}

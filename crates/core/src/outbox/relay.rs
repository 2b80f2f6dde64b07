//! The relay: from the outbox to the bus.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Backoff, Claimed, Outbox, Ruling, Verdict};
use crate::engine::{Engine, Next};
use crate::entropy::Entropy;
use crate::error::{Error, Result};
use crate::events::{Event, EventBus};

/// How the relay works.
#[derive(Clone, Copy, Debug)]
pub struct RelayOptions {
    /// How many entries a claim takes: enough that a busy outbox is one round trip per thousand.
    pub batch: usize,
    /// How long a claim is held. A relay that dies holds its entries up for this long: 5 s, half of the time within
    /// which a platform is to work again. A batch takes a small part of it; one that takes longer is published twice, of
    /// which the log drops one.
    pub lease: Duration,
    /// How often to look without being woken, for entries that other nodes wrote.
    pub poll: Duration,
    /// How long an entry waits that the bus is there for and will not take: 2 s at most, so that it is on its way soon
    /// after the cause is mended.
    pub backoff: Backoff,
    /// After how many failures an entry is set aside, if the bus is there and will not take it. 10,000: two to three
    /// hours, in which an operator may mend the cause. One that waits for a bus that is away, or behind another of its
    /// key, is never set aside; an outage counts as one attempt of those that found it out, however long it lasts.
    pub most_attempts: u32,
}

impl Default for RelayOptions {
    fn default() -> Self {
        Self {
            batch: 1_000,
            lease: Duration::from_secs(5),
            poll: Duration::from_secs(1),
            backoff: Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(2) },
            most_attempts: 10_000,
        }
    }
}

/// How often the backlog is looked at: to count it may cost the store as much as a batch does.
const MEASURED: Duration = Duration::from_secs(5);

/// Claims batches from the outbox, publishes them, and settles them. At least once: a relay that dies between publish
/// and settle publishes again, and the bus drops what it has.
///
/// While the bus is away, nothing is claimed: the batch that found it out is given back as it was, and the rounds fail,
/// one every second or so, until the bus answers again. So the backlog stays in order, and is free for a relay on another
/// node that may still reach the bus.
#[derive(Debug)]
pub struct Relay {
    outbox: Arc<dyn Outbox>,
    bus: Arc<dyn EventBus>,
    entropy: Arc<dyn Entropy>,
    options: RelayOptions,
    is_away: bool,
    measure_at: Timestamp,
}

/// What became of a batch.
struct Published {
    verdicts: Vec<Verdict>,
    /// Why the rest was given back, if the bus went away.
    away: Option<Error>,
}

impl Relay {
    /// From `outbox` to `bus`.
    pub fn new(
        outbox: Arc<dyn Outbox>,
        bus: Arc<dyn EventBus>,
        entropy: Arc<dyn Entropy>,
        options: RelayOptions,
    ) -> Self {
        Self { outbox, bus, entropy, options, is_away: false, measure_at: Timestamp::MIN }
    }

    /// Publishes a batch at one go, or, if the bus will not take it, one by one, so that an event which it will not take
    /// holds up only its own key.
    async fn publish(&self, claimed: &[Claimed], now: Timestamp) -> Published {
        let events: Vec<Event> = claimed.iter().map(|claim| claim.event.clone()).collect();
        let verdicts = |ruling: Ruling| claimed.iter().map(|claim| verdict(claim, ruling.clone())).collect();
        match self.bus.publish(&events).await {
            Ok(_) => Published { verdicts: verdicts(Ruling::Ack), away: None },
            Err(error) if error.is_retryable() => {
                Published { verdicts: verdicts(Ruling::Retry(now)), away: Some(error) }
            }
            Err(error) => {
                tracing::warn!(error = ?error, events = events.len(), "a batch was not published; trying one by one");
                self.publish_each(claimed, &events, now).await
            }
        }
    }

    async fn publish_each(&self, claimed: &[Claimed], events: &[Event], now: Timestamp) -> Published {
        let mut verdicts = Vec::with_capacity(claimed.len());
        let mut away = None;
        // Keys that are held up, and until when: what comes later under a key goes no earlier.
        let mut stuck = HashMap::new();
        for (claim, event) in claimed.iter().zip(events) {
            let key = event.ordering_key();
            let ruling = match stuck.get(&key) {
                _ if away.is_some() => Ruling::Retry(now),
                Some(later) => Ruling::Retry(*later),
                None => match self.bus.publish(std::slice::from_ref(event)).await {
                    Ok(_) => Ruling::Ack,
                    Err(error) if error.is_retryable() => {
                        away = Some(error);
                        Ruling::Retry(now)
                    }
                    Err(error) if claim.attempts + 1 >= self.options.most_attempts => Ruling::Dead(error.to_string()),
                    Err(_) => {
                        let later = now + self.options.backoff.wait(claim.attempts + 1, &*self.entropy);
                        stuck.insert(key, later);
                        Ruling::Retry(later)
                    }
                },
            };
            verdicts.push(verdict(claim, ruling));
        }
        Published { verdicts, away }
    }

    /// Tells what waits, every now and then.
    async fn measure(&mut self, now: Timestamp) -> Result<()> {
        if now < self.measure_at {
            return Ok(());
        }
        self.measure_at = now + MEASURED;
        let backlog = self.outbox.backlog().await?;
        let lag = backlog.oldest.map_or(0.0, |oldest| now.duration_since(oldest).as_secs_f64().max(0.0));
        metrics::gauge!("waypost_relay_lag_seconds").set(lag);
        metrics::gauge!("waypost_outbox_waiting").set(backlog.waiting as f64);
        metrics::gauge!("waypost_outbox_dead").set(backlog.dead as f64);
        Ok(())
    }
}

fn verdict(claim: &Claimed, ruling: Ruling) -> Verdict {
    Verdict { entry: claim.entry, token: claim.token, ruling }
}

#[async_trait]
impl Engine for Relay {
    fn name(&self) -> &'static str {
        "relay"
    }

    async fn step(&mut self, now: Timestamp) -> Result<Next> {
        if self.is_away {
            self.measure(now).await?;
            self.bus.bounds().await?;
            self.is_away = false;
        }
        let claimed = self.outbox.claim(self.options.batch, now, self.options.lease).await?;
        if !claimed.is_empty() {
            let Published { verdicts, away } = self.publish(&claimed, now).await;
            self.is_away = away.is_some();
            let published = verdicts.iter().filter(|verdict| verdict.ruling == Ruling::Ack).count();
            self.outbox.settle(&verdicts).await?;
            metrics::counter!("waypost_relay_published_total").increment(published as u64);
            if let Some(error) = away {
                return Err(error);
            }
        }
        self.measure(now).await?;
        Ok(if claimed.len() == self.options.batch { Next::Now } else { Next::At(now + self.options.poll) })
    }

    async fn woken(&self) {
        self.outbox.wait().await;
    }
}

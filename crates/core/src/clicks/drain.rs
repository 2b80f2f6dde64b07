//! The drain: from the spool into the roll-ups.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::Notify;

use super::{Class, Click, ClickId, ClickSpool, ClickStore, Describe, Hit};
use crate::clock::Clock;
use crate::engine::{Engine, Next};
use crate::error::Result;

/// How the drain works.
#[derive(Clone, Copy, Debug)]
pub struct DrainOptions {
    /// How many hits a round takes. Larger rounds cost less a hit, and hold the store for longer.
    pub batch: usize,
    /// How often to drain: four times a second, so what is counted is about so far behind.
    pub every: Duration,
    /// How soon the same visitor at the same link is a duplicate: long enough for a double click or an impatient
    /// reload, short enough that a visitor who comes back counts. Between one and two times this, as it is kept.
    pub repeat: Duration,
    /// From how many bytes spooled a second on the drain gives way to the redirects. 1 MB/s is about 5,000 clicks a
    /// second: below it, draining costs nobody anything.
    pub busy_bytes: f64,
    /// How much longer than it works the drain then rests. 9 leaves it a tenth of one processor.
    pub rest: u32,
    /// From how many bytes in the spool on it does not rest any more: a quarter of a spool of 1 GiB, so that there is
    /// room for what comes while it works.
    pub urgent_bytes: u64,
}

impl Default for DrainOptions {
    fn default() -> Self {
        Self {
            batch: 5_000,
            every: Duration::from_millis(250),
            repeat: Duration::from_secs(10),
            busy_bytes: 1e6,
            rest: 9,
            urgent_bytes: 256 << 20,
        }
    }
}

/// Reads hits from the spool, describes them, and has the store count them. A drain that dies between counting and
/// releasing reads the same hits again under the same ids, and the store drops them.
///
/// Nobody waits for a count, and everybody for a redirect. So while clicks come in fast the drain works a tenth of the
/// time only, and the spool holds the rest; it catches up when the rush is over, or works on without a rest once the
/// spool fills.
#[derive(Debug)]
pub struct Drain {
    spool: Arc<dyn ClickSpool>,
    store: Arc<dyn ClickStore>,
    describe: Arc<dyn Describe>,
    clock: Arc<dyn Clock>,
    counted: Arc<Notify>,
    repeats: Repeats,
    inflow: Inflow,
    options: DrainOptions,
}

impl Drain {
    /// From `spool` to `store`. Notifies one who waits for `counted` whenever something was.
    pub fn new(
        spool: Arc<dyn ClickSpool>,
        store: Arc<dyn ClickStore>,
        describe: Arc<dyn Describe>,
        clock: Arc<dyn Clock>,
        counted: Arc<Notify>,
        options: DrainOptions,
    ) -> Self {
        Self {
            spool,
            store,
            describe,
            clock,
            counted,
            repeats: Repeats::new(options.repeat),
            inflow: Inflow::default(),
            options,
        }
    }

    fn click(&mut self, id: ClickId, hit: &Hit) -> Click {
        let visitor = self.describe.describe(hit);
        let repeated = self.repeats.seen(id, hit);
        let class = match (visitor.is_bot, repeated) {
            (true, _) => Class::Bot,
            (false, true) => Class::Duplicate,
            (false, false) => Class::Human,
        };
        Click { id, link: hit.link, workspace: hit.workspace, at: hit.at, class, visitor }
    }
}

#[async_trait]
impl Engine for Drain {
    fn name(&self) -> &'static str {
        "drain"
    }

    async fn step(&mut self, now: Timestamp) -> Result<Next> {
        let depth = self.spool.depth();
        metrics::gauge!("waypost_spool_bytes").set(depth as f64);
        self.inflow.look(depth, now);
        let spooled = self.spool.read(self.options.batch).await?;
        let full = spooled.hits.len() >= self.options.batch;
        if !spooled.hits.is_empty() {
            let clicks: Vec<_> = spooled.hits.iter().map(|(id, hit)| self.click(*id, hit)).collect();
            let appended = self.store.append(&clicks).await?;
            if appended.counted > 0 {
                self.counted.notify_one();
            }
            metrics::counter!("waypost_clicks_counted_total").increment(appended.counted as u64);
            metrics::counter!("waypost_clicks_repeated_total").increment(appended.repeated as u64);
            self.inflow.look(self.spool.depth(), self.clock.now());
            self.spool.release(spooled.mark).await?;
        }
        let (left, done) = (self.spool.depth(), self.clock.now());
        self.inflow.released(left, done);
        if !full {
            return Ok(Next::At(now + self.options.every));
        }
        if self.inflow.rate <= self.options.busy_bytes || left >= self.options.urgent_bytes {
            return Ok(Next::Now);
        }
        let worked = Duration::try_from(done.duration_since(now)).unwrap_or_default();
        Ok(Next::Rest(done + worked.saturating_mul(self.options.rest)))
    }
}

/// How fast the spool is written to, by what it holds from look to look. A release comes between two looks that are not
/// compared.
#[derive(Debug, Default)]
struct Inflow {
    last: Option<(Timestamp, u64)>,
    /// Bytes a second.
    rate: f64,
}

impl Inflow {
    /// Shorter looks say little: the last word stands.
    const SHORTEST: f64 = 0.005;

    /// The spool holds `depth` at `now`, and nothing was released since the last look.
    fn look(&mut self, depth: u64, now: Timestamp) {
        let Some((then, before)) = self.last else {
            self.last = Some((now, depth));
            return;
        };
        let seconds = now.duration_since(then).as_secs_f64();
        if seconds >= Self::SHORTEST {
            self.rate = depth.saturating_sub(before) as f64 / seconds;
            self.last = Some((now, depth));
        }
    }

    /// After a release the spool holds `depth` at `now`.
    fn released(&mut self, depth: u64, now: Timestamp) {
        self.last = Some((now, depth));
    }
}

/// Remembers who was where of late, in two halves of which the older is dropped as a whole: bounded in time and memory.
#[derive(Debug)]
struct Repeats {
    hasher: RandomState,
    half: Duration,
    turned_at: Timestamp,
    current: HashMap<u64, ClickId>,
    previous: HashMap<u64, ClickId>,
}

impl Repeats {
    /// The most visitors of one half; 32 bytes each. Beyond it, memory turns sooner than the clock says.
    const MOST: usize = 50_000;

    fn new(half: Duration) -> Self {
        Self {
            hasher: RandomState::new(),
            half,
            turned_at: Timestamp::UNIX_EPOCH,
            current: HashMap::new(),
            previous: HashMap::new(),
        }
    }

    /// Whether this visitor was at this link before, as far as is remembered. The same click again, read once more
    /// after a round that failed, is no repeat of itself.
    fn seen(&mut self, id: ClickId, hit: &Hit) -> bool {
        if hit.at >= self.turned_at + self.half || self.current.len() >= Self::MOST {
            let idle = hit.at >= self.turned_at + 2 * self.half;
            self.previous = std::mem::take(&mut self.current);
            if idle {
                self.previous.clear();
            }
            self.turned_at = hit.at;
        }
        let visitor = self.hasher.hash_one((hit.link, hit.address, &hit.user_agent));
        let earlier = self.previous.get(&visitor).copied();
        let first = earlier.unwrap_or_else(|| *self.current.entry(visitor).or_insert(id));
        if earlier.is_some() {
            self.current.entry(visitor).or_insert(first);
        }
        first != id
    }
}

#[cfg(test)]
mod tests;

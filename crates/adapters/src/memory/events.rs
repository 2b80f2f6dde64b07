//! The event log in memory.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::watch;
use waypost_core::Result;
use waypost_core::entropy::Entropy;
use waypost_core::events::{Acked, Batch, Bounds, Epoch, Event, EventBus, EventFilter, Logged, Position, Read};
use waypost_core::health::Probe;
use waypost_core::ids::EventId;

/// How many events a read looks at for each event that it may give, so that a filter that admits little does not hold
/// the lock for the whole log.
const LOOKS: usize = 64;

/// A log of events for the readers and groups of one process. What it keeps is bounded by whoever calls
/// [`trim`](EventBus::trim).
#[derive(Debug)]
pub struct MemoryEventBus {
    epoch: Epoch,
    log: Mutex<Log>,
    /// The offset of the newest event, for those who wait.
    end: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Log {
    /// The events kept, without a gap; the first one's offset is `trimmed + 1`.
    events: VecDeque<Event>,
    trimmed: u64,
    offsets: HashMap<EventId, u64>,
    groups: HashMap<String, Group>,
    tokens: u64,
}

#[derive(Debug)]
struct Group {
    /// The last offset that it is done with.
    done: u64,
    lease: Option<(u64, Timestamp)>,
}

impl MemoryEventBus {
    /// An empty log, whose epoch is drawn from `entropy`.
    pub fn new(entropy: &dyn Entropy) -> Self {
        let mut epoch = [0; 8];
        entropy.fill(&mut epoch);
        Self { epoch: Epoch(u64::from_be_bytes(epoch)), log: Mutex::default(), end: watch::Sender::new(0) }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().expect("no code panics under this lock")
    }

    fn at(&self, offset: u64) -> Position {
        Position { epoch: self.epoch, offset }
    }

    fn bounds_of(&self, log: &Log) -> Bounds {
        Bounds { start: self.at(log.trimmed), end: self.at(log.end()) }
    }

    /// Up to `limit` events after an offset that the log covers.
    fn after<'a>(&self, log: &'a Log, offset: u64) -> impl Iterator<Item = (Position, &'a Event)> {
        let skipped = usize::try_from(offset - log.trimmed).unwrap_or(usize::MAX);
        let epoch = self.epoch;
        (offset + 1..).map(move |offset| Position { epoch, offset }).zip(log.events.iter().skip(skipped))
    }
}

impl Log {
    fn end(&self) -> u64 {
        self.trimmed + self.events.len() as u64
    }

    fn covers(&self, offset: u64) -> bool {
        (self.trimmed..=self.end()).contains(&offset)
    }

    fn append(&mut self, event: &Event) -> u64 {
        let next = self.end() + 1;
        let offset = *self.offsets.entry(event.id).or_insert(next);
        if offset == next {
            self.events.push_back(event.clone());
        }
        offset
    }
}

#[async_trait]
impl EventBus for MemoryEventBus {
    async fn publish(&self, events: &[Event]) -> Result<Vec<Position>> {
        let mut log = self.log();
        let positions = events.iter().map(|event| self.at(log.append(event))).collect();
        // Still under the lock, so the end never goes back for those who wait.
        self.end.send_replace(log.end());
        Ok(positions)
    }

    async fn read(&self, after: Position, filter: &EventFilter, limit: usize) -> Result<Read> {
        let log = self.log();
        if after.epoch != self.epoch || !log.covers(after.offset) {
            return Ok(Read::Reset(self.bounds_of(&log)));
        }
        let (mut events, mut next) = (Vec::new(), after);
        for (position, event) in self.after(&log, after.offset).take(limit.saturating_mul(LOOKS)) {
            if events.len() == limit {
                break;
            }
            next = position;
            if filter.admits(event) {
                events.push(Logged { position, event: event.clone() });
            }
        }
        Ok(Read::Events { events, next, more: next.offset < log.end() })
    }

    async fn bounds(&self) -> Result<Bounds> {
        Ok(self.bounds_of(&self.log()))
    }

    async fn wait(&self, after: Position) -> Result<()> {
        if after.epoch == self.epoch {
            // The sender lives as long as the bus; once that is gone, nobody waits for it any more.
            let _ = self.end.subscribe().wait_for(|end| *end > after.offset).await;
        }
        Ok(())
    }

    async fn consume(&self, group: &str, limit: usize, now: Timestamp, lease: Duration) -> Result<Option<Batch>> {
        let mut log = self.log();
        let trimmed = log.trimmed;
        let member = log.groups.entry(group.to_owned()).or_insert(Group { done: trimmed, lease: None });
        if member.lease.is_some_and(|(_, until)| until > now) {
            return Ok(None);
        }
        let gap = member.done < trimmed;
        let done = member.done.max(trimmed);
        let events = self.after(&log, done).take(limit);
        let events: Vec<_> = events.map(|(position, event)| Logged { position, event: event.clone() }).collect();
        if events.is_empty() {
            return Ok(None);
        }
        log.tokens += 1;
        let token = log.tokens;
        if let Some(member) = log.groups.get_mut(group) {
            member.lease = Some((token, now + lease));
        }
        Ok(Some(Batch { events, token, gap }))
    }

    async fn ack(&self, group: &str, batch: &Batch) -> Result<Acked> {
        let mut log = self.log();
        let Some(group) = log.groups.get_mut(group) else {
            return Ok(Acked::Superseded);
        };
        if group.lease.is_none_or(|(token, _)| token != batch.token) {
            return Ok(Acked::Superseded);
        }
        group.lease = None;
        group.done = batch.events.last().map_or(group.done, |last| last.position.offset);
        Ok(Acked::Moved)
    }

    async fn trim(&self, before: Timestamp, limit: usize) -> Result<usize> {
        let mut log = self.log();
        let mut forgotten = 0;
        while forgotten < limit
            && let Some(event) = log.events.pop_front_if(|event| event.created_at < before)
        {
            log.offsets.remove(&event.id);
            log.trimmed += 1;
            forgotten += 1;
        }
        Ok(forgotten)
    }
}

#[async_trait]
impl Probe for MemoryEventBus {
    fn name(&self) -> &str {
        "memory"
    }

    async fn check(&self) -> Result<()> {
        Ok(())
    }
}

//! The outbox in memory.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use waypost_core::Result;
use waypost_core::events::Event;
use waypost_core::outbox::{Backlog, Claimed, DeadEntry, Outbox, Ruling, Verdict};

use super::MemoryStore;

/// Entries by their numbers: those that wait, and those that were set aside.
#[derive(Debug, Default)]
pub(super) struct Entries {
    waiting: BTreeMap<u64, Entry>,
    dead: BTreeMap<u64, (Event, String)>,
    numbered: u64,
    tokens: u64,
}

#[derive(Debug)]
struct Entry {
    event: Event,
    attempts: u32,
    /// The lease that it is under, or was when it ended.
    token: Option<u64>,
    /// When its lease ends or its next try is due.
    free_at: Timestamp,
}

impl Entries {
    /// Adds what a transaction tells, in its order.
    pub(super) fn append(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            self.numbered += 1;
            let entry = Entry { event, attempts: 0, token: None, free_at: Timestamp::MIN };
            self.waiting.insert(self.numbered, entry);
        }
    }

    fn claim(&mut self, limit: usize, now: Timestamp, lease: Duration) -> Vec<Claimed> {
        let mut claimed = Vec::new();
        let mut held_up = HashSet::new();
        for (number, entry) in &mut self.waiting {
            if claimed.len() == limit {
                break;
            }
            let key = entry.event.ordering_key();
            if held_up.contains(&key) {
                continue;
            }
            if entry.free_at > now {
                held_up.insert(key);
                continue;
            }
            self.tokens += 1;
            entry.token = Some(self.tokens);
            entry.free_at = now + lease;
            let event = entry.event.clone();
            claimed.push(Claimed { entry: *number, token: self.tokens, attempts: entry.attempts, event });
        }
        claimed
    }

    /// Whether the verdict still held.
    fn settle(&mut self, verdict: &Verdict) -> bool {
        let Some(entry) = self.waiting.get_mut(&verdict.entry).filter(|entry| entry.token == Some(verdict.token))
        else {
            return false;
        };
        match &verdict.ruling {
            Ruling::Ack => {
                self.waiting.remove(&verdict.entry);
            }
            Ruling::Retry(at) => {
                entry.token = None;
                entry.attempts += 1;
                entry.free_at = *at;
            }
            Ruling::Dead(reason) => {
                if let Some(entry) = self.waiting.remove(&verdict.entry) {
                    self.dead.insert(verdict.entry, (entry.event, reason.clone()));
                }
            }
        }
        true
    }

    fn redrive(&mut self, limit: usize) -> usize {
        let mut redriven = 0;
        while redriven < limit
            && let Some((number, (event, _))) = self.dead.pop_first()
        {
            let entry = Entry { event, attempts: 0, token: None, free_at: Timestamp::MIN };
            self.waiting.insert(number, entry);
            redriven += 1;
        }
        redriven
    }
}

#[async_trait]
impl Outbox for MemoryStore {
    async fn append(&self, events: &[Event]) -> Result<()> {
        self.begin()?.outbox.append(events.iter().cloned());
        self.wake();
        Ok(())
    }

    async fn claim(&self, limit: usize, now: Timestamp, lease: Duration) -> Result<Vec<Claimed>> {
        Ok(self.begin()?.outbox.claim(limit, now, lease))
    }

    async fn settle(&self, verdicts: &[Verdict]) -> Result<usize> {
        let mut state = self.begin()?;
        Ok(verdicts.iter().filter(|verdict| state.outbox.settle(verdict)).count())
    }

    async fn backlog(&self) -> Result<Backlog> {
        let state = self.begin()?;
        let oldest = state.outbox.waiting.first_key_value();
        Ok(Backlog {
            waiting: state.outbox.waiting.len() as u64,
            oldest: oldest.map(|(_, entry)| entry.event.created_at),
            dead: state.outbox.dead.len() as u64,
        })
    }

    async fn dead(&self, limit: usize) -> Result<Vec<DeadEntry>> {
        let state = self.begin()?;
        let dead = state.outbox.dead.iter().take(limit).map(|(number, (event, reason))| DeadEntry {
            entry: *number,
            event: event.clone(),
            reason: reason.clone(),
        });
        Ok(dead.collect())
    }

    async fn redrive(&self, limit: usize) -> Result<usize> {
        let redriven = self.begin()?.outbox.redrive(limit);
        self.wake();
        Ok(redriven)
    }

    async fn wait(&self) {
        self.appended.notified().await;
    }
}

//! What a crowd of clients was told, added up.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::Outcome;
use crate::support::live::{Ear, Told};

/// Sums over all clients of a crowd.
#[derive(Default)]
pub(super) struct Tally {
    /// Sessions that stand now.
    open: AtomicUsize,
    events: AtomicU64,
    resets: AtomicU64,
    /// How many events are waited for, and since when they are there.
    goal: AtomicU64,
    reached: Mutex<Option<Instant>>,
    is_reached: Condvar,
    /// When sessions opened.
    openings: Mutex<Vec<Instant>>,
    /// How sessions ended and what else was said, and how often.
    words: Mutex<BTreeMap<String, usize>>,
    /// When events were sent, and how late they were.
    lag: OnceLock<Lag>,
}

/// How late events are. The nth event of each client is the nth that was sent.
struct Lag {
    sent: Mutex<Vec<Instant>>,
    /// In microseconds.
    late: Mutex<Histogram<u64>>,
}

impl Tally {
    /// One that also measures how late events are.
    pub(super) fn of_lags() -> Outcome<Self> {
        let late = Mutex::new(Histogram::new_with_bounds(1, 600_000_000, 3)?);
        let tally = Self::default();
        // A new one has none yet.
        let _ = tally.lag.set(Lag { sent: Mutex::default(), late });
        Ok(tally)
    }

    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    pub(super) fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    pub(super) fn resets(&self) -> u64 {
        self.resets.load(Ordering::Relaxed)
    }

    /// Forgets when sessions opened, and gives it.
    pub(super) fn take_openings(&self) -> Vec<Instant> {
        std::mem::take(&mut *lock(&self.openings))
    }

    /// Forgets how sessions ended and what else was said, and gives it.
    pub(super) fn take_words(&self) -> BTreeMap<String, usize> {
        std::mem::take(&mut *lock(&self.words))
    }

    /// Sets how many events more are waited for.
    pub(super) fn expect(&self, more: u64) {
        *lock(&self.reached) = None;
        self.goal.store(self.events() + more, Ordering::SeqCst);
    }

    /// Waits until all of them are there, and says since when.
    pub(super) fn wait(&self, limit: Duration) -> Outcome<Instant> {
        let waiting = self.is_reached.wait_timeout_while(lock(&self.reached), limit, |reached| reached.is_none());
        let (reached, _) = waiting.unwrap_or_else(PoisonError::into_inner);
        let missing = self.goal.load(Ordering::SeqCst).saturating_sub(self.events());
        reached.ok_or_else(|| format!("{missing} events are missing after {limit:?}; {:?}", self.take_words()).into())
    }

    /// An event is about to be sent.
    pub(super) fn sends(&self) {
        if let Some(lag) = self.lag.get() {
            lock(&lag.sent).push(Instant::now());
        }
    }

    /// How late the events so far were, in milliseconds: p50, p99, p99.9 and the most; and how many were counted.
    pub(super) fn lateness(&self) -> ([f64; 4], u64) {
        self.lag.get().map_or(([0.0; 4], 0), |lag| {
            let late = lock(&lag.late);
            ([0.5, 0.99, 0.999, 1.0].map(|share| late.value_at_quantile(share) as f64 / 1e3), late.len())
        })
    }

    fn word(&self, word: String) {
        *lock(&self.words).entry(word).or_default() += 1;
    }
}

/// One client's ear.
pub(super) struct Listener {
    tally: Arc<Tally>,
    is_open: bool,
    heard: usize,
}

impl Listener {
    pub(super) fn new(tally: &Arc<Tally>) -> Self {
        Self { tally: tally.clone(), is_open: false, heard: 0 }
    }
}

impl Ear for Listener {
    fn hear(&mut self, told: Told<'_>) {
        match told {
            Told::Event(_) => {
                if let Some(lag) = self.tally.lag.get() {
                    let sent = lock(&lag.sent).get(self.heard).copied();
                    let micros = sent.map(|sent| u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX).max(1));
                    micros.into_iter().for_each(|micros| lock(&lag.late).saturating_record(micros));
                }
                self.heard += 1;
                let events = self.tally.events.fetch_add(1, Ordering::SeqCst) + 1;
                if events == self.tally.goal.load(Ordering::SeqCst) {
                    *lock(&self.tally.reached) = Some(Instant::now());
                    self.tally.is_reached.notify_all();
                }
            }
            Told::Opened(_) => {
                self.is_open = true;
                self.tally.open.fetch_add(1, Ordering::Relaxed);
                lock(&self.tally.openings).push(Instant::now());
            }
            Told::Reset(_) => drop(self.tally.resets.fetch_add(1, Ordering::Relaxed)),
            Told::Word(name, text) => self.tally.word(format!("{name} {}", String::from_utf8_lossy(text))),
            Told::Ended(ending) => {
                if std::mem::take(&mut self.is_open) {
                    self.tally.open.fetch_sub(1, Ordering::Relaxed);
                }
                self.tally.word(ending.why.clone());
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

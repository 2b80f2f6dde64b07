//! What clients know: what they asked for, what they were told, and what they were refused.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use crate::support::http::Answer;

/// A change of a link that was acknowledged.
#[derive(Debug, Clone)]
pub(super) struct Step {
    /// The type of its event.
    pub(super) event: &'static str,
    /// The version of the link in its event.
    pub(super) version: u64,
    /// When it was asked for the first time.
    pub(super) begun: Instant,
}

/// The life of one link, from one key.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The idempotency key; also in the link's metadata.
    pub(super) key: String,
    /// The link's id.
    pub(super) id: String,
    /// Where it is followed.
    pub(super) path: String,
    /// What its creation was answered with.
    pub(super) body: Vec<u8>,
    /// What became of it, in order.
    pub(super) steps: Vec<Step>,
}

impl Entry {
    /// Whether it is still there.
    pub(super) fn is_there(&self) -> bool {
        self.steps.last().is_some_and(|step| step.event != "link.deleted")
    }
}

/// What did not work at once.
#[derive(Debug, Clone, Default)]
pub(super) struct Refusals {
    /// How many there were.
    pub(super) count: u64,
    /// By what was said.
    pub(super) kinds: BTreeMap<String, u64>,
    /// When the last one came.
    pub(super) last: Option<Instant>,
}

/// What all clients know together.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: Mutex<Vec<Entry>>,
    refusals: Mutex<Refusals>,
}

impl Ledger {
    /// Notes a link, after all that its client did to it.
    pub(super) fn enter(&self, entry: Entry) {
        lock(&self.entries).push(entry);
    }

    /// How many links there are in it.
    pub(super) fn len(&self) -> usize {
        lock(&self.entries).len()
    }

    /// All links.
    pub(super) fn entries(&self) -> Vec<Entry> {
        lock(&self.entries).clone()
    }

    /// Notes an attempt that has to be made again.
    pub(super) fn refused(&self, outcome: &io::Result<Answer>) {
        let kind = match outcome {
            Ok(answer) => {
                let code = answer.json()["error"]["code"].as_str().unwrap_or_default().to_owned();
                format!("{} {code}", answer.status)
            }
            Err(error) => format!("{NO_ANSWER}: {:?}", error.kind()),
        };
        let mut refusals = lock(&self.refusals);
        refusals.count += 1;
        *refusals.kinds.entry(kind).or_default() += 1;
        refusals.last = Some(Instant::now());
    }

    /// All refusals.
    pub(super) fn refusals(&self) -> Refusals {
        lock(&self.refusals).clone()
    }
}

/// What a kind of refusal begins with where nobody answered.
pub(super) const NO_ANSWER: &str = "no answer";

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no panic under the lock")
}

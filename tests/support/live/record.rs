//! The ear of tests: who was told what.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use waypost::ids::EventId;

use super::ear::id_of;
use super::{Ear, Told};

/// What a client was told.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// The ids of events, in order; one more list after each reset.
    pub logs: Vec<Vec<EventId>>,
    /// Sessions that stood.
    pub opened: usize,
    /// Whether one stands now.
    pub is_open: bool,
    /// How sessions ended, in words, and how often.
    pub endings: BTreeMap<String, usize>,
    /// Other things that were said, by name, and how often.
    pub words: BTreeMap<String, usize>,
    /// Data of an event that had no id.
    pub nonsense: usize,
}

impl Record {
    /// The events since the last reset.
    pub fn log(&self) -> &[EventId] {
        self.logs.last().map(Vec::as_slice).unwrap_or_default()
    }

    /// How often the place where the client stood was gone.
    pub fn resets(&self) -> usize {
        self.logs.len().saturating_sub(1)
    }

    /// What this differs in from the log, from its oldest event on; nothing if it is the log.
    ///
    /// Before a reset it must have had the beginning of the log, without a gap or a double; after the last one, all of it.
    pub fn differs_from(&self, log: &[EventId]) -> Option<String> {
        if self.nonsense > 0 {
            return Some(format!("{} events had no id", self.nonsense));
        }
        let diverged = self.logs.iter().enumerate().find_map(|(number, seen)| {
            let at = seen.iter().zip(log).position(|(seen, logged)| seen != logged);
            let at = at.or_else(|| (seen.len() > log.len()).then_some(log.len()))?;
            let what = seen[at];
            let place = match log.iter().position(|logged| *logged == what) {
                Some(place) if place < at => format!("a double of number {place}"),
                Some(place) => format!("number {place}, so that {} are missing", place - at),
                None => "in no log".to_owned(),
            };
            Some(format!("after {number} resets, number {at} of {} is {what}, {place}", seen.len()))
        });
        let missing = || {
            let seen = self.log().len();
            (seen < log.len()).then(|| format!("{} of {} are missing at the end", log.len() - seen, log.len()))
        };
        diverged.or_else(missing)
    }
}

/// A record while it is written.
#[derive(Clone, Debug, Default)]
pub struct Heard(Arc<Mutex<Record>>);

impl Heard {
    /// What it says at this moment.
    pub fn look(&self) -> MutexGuard<'_, Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ear for Heard {
    fn hear(&mut self, told: Told<'_>) {
        let mut record = self.look();
        match told {
            Told::Opened(_) => {
                record.opened += 1;
                record.is_open = true;
            }
            Told::Event(event) => {
                if record.logs.is_empty() {
                    record.logs.push(Vec::new());
                }
                match (id_of(event).and_then(|id| EventId::parse(id).ok()), record.logs.last_mut()) {
                    (Some(id), Some(log)) => log.push(id),
                    _ => record.nonsense += 1,
                }
            }
            Told::Reset(_) => {
                if record.logs.is_empty() {
                    record.logs.push(Vec::new());
                }
                record.logs.push(Vec::new());
            }
            Told::Word(name, _) => *record.words.entry(name.to_owned()).or_default() += 1,
            Told::Ended(ending) => {
                record.is_open = false;
                let why = format!("{:?}: {}", ending.transport, ending.why);
                *record.endings.entry(why).or_default() += 1;
            }
        }
    }
}

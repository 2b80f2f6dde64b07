//! What is due when.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// Where something stands in a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
    pub(super) due: Timestamp,
    number: u64,
}

/// Things by the moment at which they are due; of one moment, in the order in which they were put there.
#[derive(Debug)]
pub(super) struct Schedule<T> {
    turns: BTreeMap<Turn, T>,
    next: u64,
}

impl<T> Default for Schedule<T> {
    fn default() -> Self {
        Self { turns: BTreeMap::new(), next: 0 }
    }
}

impl<T> Schedule<T> {
    /// Has something be due at a moment.
    pub(super) fn put(&mut self, due: Timestamp, what: T) -> Turn {
        let turn = Turn { due, number: self.next };
        self.next += 1;
        self.turns.insert(turn, what);
        turn
    }

    /// Takes something out.
    pub(super) fn remove(&mut self, turn: Turn) {
        self.turns.remove(&turn);
    }

    /// Moves something to another moment, and to the end of it.
    pub(super) fn postpone(&mut self, turn: &mut Turn, due: Timestamp) {
        if let Some(what) = self.turns.remove(turn) {
            *turn = self.put(due, what);
        }
    }

    /// When the first is due.
    pub(super) fn first(&self) -> Option<Timestamp> {
        self.turns.first_key_value().map(|(turn, _)| turn.due)
    }

    /// What is due by now, the longest first.
    pub(super) fn due(&self, now: Timestamp) -> impl Iterator<Item = &T> {
        self.turns.iter().take_while(move |(turn, _)| turn.due <= now).map(|(_, what)| what)
    }
}

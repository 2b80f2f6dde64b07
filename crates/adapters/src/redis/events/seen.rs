//! How far this node has seen the log: what shows that a server lost the end of it.

use std::sync::Mutex;

use waypost_core::events::Position;

/// The furthest position of the newest epoch that was seen.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<Option<Position>>);

impl Seen {
    /// What is known.
    pub(super) fn furthest(&self) -> Option<Position> {
        *self.0.lock().expect("no code panics under this lock")
    }

    /// The log was seen to go as far as this.
    pub(super) fn note(&self, end: Position) {
        let mut furthest = self.0.lock().expect("no code panics under this lock");
        match *furthest {
            Some(known) if known.epoch == end.epoch && known.offset >= end.offset => {}
            _ => *furthest = Some(end),
        }
    }
}

#[cfg(test)]
mod tests {
    use waypost_core::events::Epoch;

    use super::*;

    #[test]
    fn within_an_epoch_it_only_grows() {
        let seen = Seen::default();
        let at = |epoch, offset| Position { epoch: Epoch(epoch), offset };
        for (end, furthest) in [(at(7, 5), at(7, 5)), (at(7, 3), at(7, 5)), (at(7, 9), at(7, 9)), (at(2, 1), at(2, 1))]
        {
            seen.note(end);
            assert_eq!(seen.furthest(), Some(furthest));
        }
    }
}

//! Those who ask under one key at once, and who decides for them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::oneshot;
use waypost_core::Result;
use waypost_core::limits::{Decision, Policy};

/// What is asked under: the name of a policy, and a key.
pub(super) type Name = (String, Vec<u8>);

/// One who asks.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) policy: Policy,
    pub(super) cost: u32,
    pub(super) now: Timestamp,
    pub(super) answer: oneshot::Sender<Result<Decision>>,
}

/// Asks that wait, by name. A name is there for as long as somebody has the turn under it.
///
/// As many as a node has requests in flight, and none for longer than these.
#[derive(Clone, Debug, Default)]
pub(super) struct Rounds {
    waiting: Arc<Mutex<HashMap<Name, Vec<Ask>>>>,
}

impl Rounds {
    /// Has this ask wait. The turn, if nobody has it: to whom it is given decides for all who wait.
    pub(super) fn join(&self, name: Name, ask: Ask) -> Option<Turn> {
        let mut waiting = self.lock();
        if let Some(asks) = waiting.get_mut(&name) {
            asks.push(ask);
            return None;
        }
        waiting.insert(name.clone(), vec![ask]);
        Some(Turn { rounds: self.clone(), name, is_over: false })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Name, Vec<Ask>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to decide under a name. Where it is dropped early, those who wait learn that nobody decided.
#[derive(Debug)]
pub(super) struct Turn {
    rounds: Rounds,
    name: Name,
    is_over: bool,
}

impl Turn {
    pub(super) fn name(&self) -> &Name {
        &self.name
    }

    /// Those who have come since the last round, and have not gone again; when there are none, the turn is over.
    pub(super) fn next(&mut self) -> Option<Vec<Ask>> {
        let mut waiting = self.rounds.lock();
        let mut asks = waiting.get_mut(&self.name).map(std::mem::take).unwrap_or_default();
        asks.retain(|ask| !ask.answer.is_closed());
        if asks.is_empty() {
            waiting.remove(&self.name);
            self.is_over = true;
            return None;
        }
        Some(asks)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.is_over {
            self.rounds.lock().remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use waypost_core::limits::Algorithm;

    use super::*;

    fn ask() -> (Ask, oneshot::Receiver<Result<Decision>>) {
        let policy = Policy::new("api", Algorithm::TokenBucket, 10, Duration::from_secs(60)).expect("a policy");
        let (answer, answered) = oneshot::channel();
        (Ask { policy, cost: 1, now: Timestamp::UNIX_EPOCH, answer }, answered)
    }

    fn name(key: &str) -> Name {
        ("api".to_owned(), key.into())
    }

    #[test]
    fn one_has_the_turn_and_takes_all_who_came_meanwhile() {
        let rounds = Rounds::default();
        let (first, _first) = ask();
        let mut turn = rounds.join(name("key"), first).expect("nobody else is there");
        assert_eq!(turn.next().map(|asks| asks.len()), Some(1));
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let (later, answered) = ask();
                assert!(rounds.join(name("key"), later).is_none(), "somebody has the turn");
                answered
            })
            .collect();
        let (other, _other) = ask();
        assert!(rounds.join(name("other"), other).is_some(), "a turn for each key");
        assert_eq!(turn.next().map(|asks| asks.len()), Some(3));
        drop(waiting);
        assert!(turn.next().is_none());
        let (again, _again) = ask();
        assert!(rounds.join(name("key"), again).is_some(), "the turn was over");
    }

    #[test]
    fn who_went_is_not_decided_on() {
        let rounds = Rounds::default();
        let (first, gone) = ask();
        let mut turn = rounds.join(name("key"), first).expect("nobody else is there");
        drop(gone);
        assert!(turn.next().is_none());
    }

    #[test]
    fn a_turn_that_is_given_up_is_free_again() {
        let rounds = Rounds::default();
        let (first, mut answered) = ask();
        drop(rounds.join(name("key"), first));
        assert_eq!(answered.try_recv().err(), Some(oneshot::error::TryRecvError::Closed));
        let (again, _again) = ask();
        assert!(rounds.join(name("key"), again).is_some());
        assert_eq!(rounds.lock().len(), 0, "nothing is left of it");
    }
}

//! A subscription that is present at its subject.

use std::sync::Arc;
use std::task::Context;

use super::Push;
use super::presence::{PresenceChange, Watch};

/// What a client is told of who else watches.
#[derive(Debug)]
pub(super) struct Watching {
    watch: Watch,
    /// Whether it was told who is there.
    is_told: bool,
    /// What came about since, and how much of it was told.
    changes: Arc<[PresenceChange]>,
    told: usize,
}

impl Watching {
    pub(super) fn new(watch: Watch) -> Self {
        Self { watch, is_told: false, changes: Arc::default(), told: 0 }
    }

    /// What the subscription `id` is told next; without anything, the task is woken once there is something.
    pub(super) fn poll(&mut self, id: &Arc<str>, cx: &mut Context<'_>) -> Option<Push> {
        loop {
            if let Some(change) = self.changes.get(self.told) {
                self.told += 1;
                return Some(match *change {
                    PresenceChange::Joined(presence) => Push::Joined { id: id.clone(), presence },
                    PresenceChange::Left(presence) => Push::Left { id: id.clone(), presence },
                });
            }
            if self.watch.poll_changed(cx).is_pending() {
                return None;
            }
            let changes = self.watch.take_changes();
            if !self.is_told {
                self.is_told = true;
                return Some(Push::Present { id: id.clone(), members: self.watch.seen() });
            }
            (self.changes, self.told) = (changes, 0);
        }
    }
}

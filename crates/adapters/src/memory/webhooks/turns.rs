//! Which queue is to be claimed next.

use std::collections::BTreeSet;

use jiff::Timestamp;
use waypost_core::ids::WebhookId;

use super::queue::Queue;

/// Queues by when it is their turn, so that a claim looks at those alone that it may take.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Those that nobody holds, by when there is something to do for them.
    free: BTreeSet<(Timestamp, WebhookId)>,
    /// Those that are held, by when their leases end.
    held: BTreeSet<(Timestamp, WebhookId)>,
    /// All of which something is due at a moment, by the first.
    due: BTreeSet<(Timestamp, WebhookId)>,
}

/// Where a queue stands among the others.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    free: Option<Timestamp>,
    held: Option<Timestamp>,
    due: Option<Timestamp>,
}

impl Turns {
    /// Puts a queue where it belongs, after anything of it has changed.
    pub(super) fn put(&mut self, id: WebhookId, queue: &mut Queue) {
        let held = queue.leased_until;
        let free = queue.wakes_at().filter(|_| held.is_none());
        self.place(id, queue, Place { free, held, due: queue.first_at() });
    }

    /// Takes a queue out.
    pub(super) fn take(&mut self, id: WebhookId, queue: &mut Queue) {
        self.place(id, queue, Place::default());
    }

    /// A queue whose lease has ended by `now`.
    pub(super) fn lapsed(&self, now: Timestamp) -> Option<WebhookId> {
        self.held.first().filter(|(until, _)| *until <= now).map(|(_, id)| *id)
    }

    /// Puts a queue among those that anybody may claim. Until somebody does, its holder has it still.
    pub(super) fn lapse(&mut self, id: WebhookId, queue: &mut Queue) {
        let place = Place { free: queue.wakes_at(), held: None, due: queue.first_at() };
        self.place(id, queue, place);
    }

    /// Those that may be claimed at `now`, first those that have been due for longest.
    pub(super) fn ready(&self, now: Timestamp) -> impl Iterator<Item = WebhookId> {
        self.free.iter().take_while(move |(at, _)| *at <= now).map(|(_, id)| *id)
    }

    /// Since when the one is due that has been due for longest.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    fn place(&mut self, id: WebhookId, queue: &mut Queue, to: Place) {
        let from = std::mem::replace(&mut queue.place, to);
        for (set, from, to) in [
            (&mut self.free, from.free, to.free),
            (&mut self.held, from.held, to.held),
            (&mut self.due, from.due, to.due),
        ] {
            if from != to {
                from.map(|at| set.remove(&(at, id)));
                to.map(|at| set.insert((at, id)));
            }
        }
    }
}

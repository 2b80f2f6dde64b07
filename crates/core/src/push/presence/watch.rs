//! A session's watch over a subject.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;

use super::board::Board;
use super::{Members, Place, Presence, PresenceChange};

/// The list of a place, which all watches of it on this node share.
#[derive(Debug, Default)]
pub(super) struct Audience(Mutex<Arc<Members>>);

impl Audience {
    pub(super) fn members(&self) -> Arc<Members> {
        self.0.lock().expect("no code panics under this lock").clone()
    }

    pub(super) fn replace(&self, members: Members) {
        *self.0.lock().expect("no code panics under this lock") = Arc::new(members);
    }
}

/// A session's watch over a subject: while it lives, the session is present there, and hears of the others.
///
/// Nothing queues up for a watch that does not look: what it is told is the difference between the list that it saw and the
/// list as it is, so who came and went in between is not told of. Dropping it has the session leave.
#[derive(Debug)]
pub struct Watch {
    board: Arc<Board>,
    stay: (Place, Presence),
    audience: Arc<Audience>,
    bell: Arc<AtomicWaker>,
    seen: Arc<Members>,
}

impl Watch {
    pub(super) fn new(
        board: Arc<Board>,
        stay: (Place, Presence),
        audience: Arc<Audience>,
        bell: Arc<AtomicWaker>,
    ) -> Self {
        let seen = audience.members();
        Self { board, stay, audience, bell, seen }
    }

    /// What is watched.
    pub fn place(&self) -> &Place {
        &self.stay.0
    }

    /// Who watches.
    pub fn presence(&self) -> &Presence {
        &self.stay.1
    }

    /// Who is known to be here now, this session included. Generation 0 is not known yet: the store is asked within
    /// milliseconds of the first watch, and that is a change.
    pub fn members(&self) -> Arc<Members> {
        self.audience.members()
    }

    /// The list that [`take_changes`](Self::take_changes) saw.
    pub fn seen(&self) -> Arc<Members> {
        self.seen.clone()
    }

    /// Whether the list is another one than [`take_changes`](Self::take_changes) saw; if not, wakes the task once it is.
    /// One task waits at a time: the last one that asked.
    pub fn poll_changed(&self, context: &mut Context<'_>) -> Poll<()> {
        // Before the look: a change after it finds the waker.
        self.bell.register(context.waker());
        if self.members().generation() == self.seen.generation() { Poll::Pending } else { Poll::Ready(()) }
    }

    /// Returns once the list is another one than [`take_changes`](Self::take_changes) saw. Cancel safe.
    pub async fn changed(&self) {
        poll_fn(|context| self.poll_changed(context)).await;
    }

    /// What came about since the last time, or since the watch began; from now on that is seen. May be nothing, though
    /// the list changed: somebody came and went, or it has become known that nobody is here.
    pub fn take_changes(&mut self) -> Arc<[PresenceChange]> {
        let members = self.members();
        let changes = members.since(&self.seen);
        self.seen = members;
        changes
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.board.leave(&self.stay.0, &self.stay.1, &self.bell);
    }
}

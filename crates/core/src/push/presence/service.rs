//! Whom this node has.

use std::sync::Arc;

use super::board::Board;
use super::{Place, Presence, PresenceKeeper, PresenceStore, Watch};
use crate::error::Result;

/// The sessions of this node that watch subjects. Clones share them.
///
/// Nothing is asked or told here, so every call returns at once: the engine does the rest.
#[derive(Clone, Debug)]
pub struct Presences {
    board: Arc<Board>,
    store: Arc<dyn PresenceStore>,
}

impl Presences {
    /// Nobody yet, kept in `store`.
    pub fn new(store: Arc<dyn PresenceStore>) -> Self {
        Self { board: Arc::default(), store }
    }

    /// Has a session be present at a place, and hear of the others there, until the watch is dropped. One that watches the
    /// same place twice is present once, as it came first, until the last of its watches is dropped.
    ///
    /// # Errors
    /// [`Unavailable`](crate::Kind::Unavailable) when this node watches 10,000 subjects, or for 100,000 watches, already; and
    /// for a workspace that has a quarter of either, so that one cannot take presence from all others.
    pub fn watch(&self, place: Place, presence: Presence) -> Result<Watch> {
        let (audience, bell) = self.board.seat(&place, presence)?;
        Ok(Watch::new(self.board.clone(), (place, presence), audience, bell))
    }

    /// What enters, renews and reads. One runs at a time.
    pub fn keeper(&self) -> PresenceKeeper {
        PresenceKeeper::new(self.board.clone(), self.store.clone())
    }
}

//! What arrives, and who is told of it.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Notify, broadcast};
use waypost_core::links::Heard;

use super::word::{Signal, Word};

/// Announcements of links that are kept for the slowest listener, each of 8 kB at most: one that is further behind
/// hears that anything may have changed.
const KEPT: usize = 256;

/// Shared by those who wait and by the connection that listens.
#[derive(Debug)]
pub(super) struct Inbox {
    pub(super) outbox: Notify,
    pub(super) bus: Notify,
    pub(super) webhooks: Notify,
    pub(super) links: broadcast::Sender<Heard>,
    /// Something is to be told to other nodes.
    pub(super) owing: Notify,
    owed: [AtomicBool; Signal::ALL.len()],
    /// Tells what comes back from this handle from what others say.
    node: u64,
}

impl Inbox {
    pub(super) fn new(node: u64) -> Self {
        Self {
            outbox: Notify::new(),
            bus: Notify::new(),
            webhooks: Notify::new(),
            links: broadcast::Sender::new(KEPT),
            owing: Notify::new(),
            owed: Default::default(),
            node,
        }
    }

    /// Wakes those who wait here.
    pub(super) fn wake(&self, signal: Signal) {
        match signal {
            Signal::Outbox => wake_all_and_the_next(&self.outbox),
            // Whoever waits for the bus looks after it has registered, so none can be missed.
            Signal::Bus => self.bus.notify_waiters(),
            Signal::Webhooks => wake_all_and_the_next(&self.webhooks),
        }
    }

    /// Has other nodes told.
    pub(super) fn owe(&self, signal: Signal) {
        self.owed[signal as usize].store(true, Ordering::Release);
        self.owing.notify_one();
    }

    /// What is to be told to other nodes now, as payloads.
    pub(super) fn take_owed(&self) -> Vec<String> {
        let owed = |signal: &Signal| self.owed[*signal as usize].swap(false, Ordering::AcqRel);
        let words = Signal::ALL.into_iter().filter(owed);
        words.map(|signal| Word::Happened { signal, node: self.node }.to_string()).collect()
    }

    /// Passes on what another node said.
    pub(super) fn take(&self, payload: &str) {
        match Word::parse(payload) {
            Some(Word::Happened { node, .. }) if node == self.node => {}
            Some(Word::Happened { signal, .. }) => self.wake(signal),
            // Refused where nobody listens, and then there is nobody to tell.
            Some(Word::Changed(names)) => drop(self.links.send(Heard::Names(names))),
            // Word of a newer version may mean any link.
            Some(Word::ChangedAll) | None => drop(self.links.send(Heard::Everything)),
        }
    }

    /// The connection was cut and is there again: anything may have happened, here and there.
    pub(super) fn reconnected(&self) {
        for signal in Signal::ALL {
            self.wake(signal);
            self.owe(signal);
        }
        drop(self.links.send(Heard::Everything));
    }
}

/// All who wait now, and the next who comes: between its last look and its wait something was committed.
fn wake_all_and_the_next(waiting: &Notify) {
    waiting.notify_waiters();
    waiting.notify_one();
}

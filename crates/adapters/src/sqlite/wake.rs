//! Waking those who wait in this process. Writers in other processes cannot wake them: whoever waits bounds it in time.

use std::ops::BitOrAssign;
use std::sync::Arc;

use tokio::sync::Notify;

/// Who is to be woken by a commit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wake {
    outbox: bool,
    bus: bool,
    queues: bool,
}

impl Wake {
    /// Those who wait for entries of the outbox.
    pub(super) const OUTBOX: Self = Self { outbox: true, bus: false, queues: false };
    /// Those who wait for events on the bus.
    pub(super) const BUS: Self = Self { outbox: false, bus: true, queues: false };
    /// Those who wait for deliveries.
    pub(super) const QUEUES: Self = Self { outbox: false, bus: false, queues: true };
}

impl BitOrAssign for Wake {
    fn bitor_assign(&mut self, other: Self) {
        self.outbox |= other.outbox;
        self.bus |= other.bus;
        self.queues |= other.queues;
    }
}

/// Those who wait.
#[derive(Clone, Debug, Default)]
pub(super) struct Wakes {
    pub(super) outbox: Arc<Notify>,
    pub(super) bus: Arc<Notify>,
    pub(super) queues: Arc<Notify>,
}

impl Wakes {
    pub(super) fn wake(&self, wake: Wake) {
        if wake.outbox {
            // All who wait now, and the next who comes: between its last look and its wait something was committed.
            self.outbox.notify_waiters();
            self.outbox.notify_one();
        }
        if wake.bus {
            // Whoever waits for the bus looks after it has registered, so none can be missed.
            self.bus.notify_waiters();
        }
        if wake.queues {
            // As for the outbox.
            self.queues.notify_waiters();
            self.queues.notify_one();
        }
    }
}

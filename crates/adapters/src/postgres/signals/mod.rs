//! What wakes those who wait, on this node and on others.
//!
//! Word between nodes goes by `NOTIFY`, over one connection of the handle's own that listens and tells. It is never
//! sent in a transaction that writes: PostgreSQL lets only one transaction that has something to tell commit at a time.

mod inbox;
mod line;
mod word;

use std::sync::Arc;

use sqlx::postgres::PgConnectOptions;
use tokio::sync::{broadcast, watch};
use waypost_core::entropy::Entropy;
use waypost_core::links::Heard;

use self::inbox::Inbox;
use super::error::Fault;

pub(super) use word::{Signal, Word, channel};

/// Wakes those who wait. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Signals {
    inbox: Arc<Inbox>,
    closed: Arc<watch::Sender<bool>>,
}

impl Signals {
    /// Connects and listens, and goes on doing so until it is told to stop or the last clone is gone.
    pub(super) async fn start(options: PgConnectOptions, entropy: &dyn Entropy) -> Result<Self, Fault> {
        let mut drawn = [0; 8];
        entropy.fill(&mut drawn);
        let inbox = Arc::new(Inbox::new(u64::from_be_bytes(drawn)));
        let closed = watch::Sender::new(false);
        line::start(options, Arc::clone(&inbox), closed.subscribe()).await?;
        Ok(Self { inbox, closed: Arc::new(closed) })
    }

    /// Stops listening and telling. Those who wait here are woken by what happens here.
    pub(super) fn stop(&self) {
        self.closed.send_replace(true);
    }

    /// Wakes those who wait here at once, and those on other nodes soon. Call it after the commit.
    pub(super) fn wake(&self, signal: Signal) {
        self.inbox.wake(signal);
        self.inbox.owe(signal);
    }

    /// Wakes those who wait here, where others have nothing to do with it.
    pub(super) fn wake_here(&self, signal: Signal) {
        self.inbox.wake(signal);
    }

    /// Returns when there may be entries in the outbox. Cancel safe.
    pub(super) async fn outbox(&self) {
        self.inbox.outbox.notified().await;
    }

    /// Returns when there may be deliveries to make. Cancel safe.
    pub(super) async fn webhooks(&self) {
        self.inbox.webhooks.notified().await;
    }

    /// Registers for news of the log; what happens after `enable` on it wakes it.
    pub(super) fn bus(&self) -> tokio::sync::futures::Notified<'_> {
        self.inbox.bus.notified()
    }

    /// What is said of links from now on.
    pub(super) fn links(&self) -> broadcast::Receiver<Heard> {
        self.inbox.links.subscribe()
    }
}

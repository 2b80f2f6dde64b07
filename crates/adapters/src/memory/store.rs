//! The one state that the ports share, and the one lock around it.

use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use tokio::sync::Notify;
use waypost_core::health::Probe;
use waypost_core::{Error, Kind, Result};

use super::clicks::Clicks;
use super::clients::Clients;
use super::credentials::Credentials;
use super::grants::Grants;
use super::idempotency::Claims;
use super::links::Links;
use super::members::Members;
use super::outbox::Entries;
use super::webhooks::Webhooks;

/// Links, clicks, claims, the outbox, credentials, members, grants and webhook endpoints, in memory and under one lock.
///
/// A hold of the lock is a transaction. It is never held across an await, and for no longer than the work on a batch
/// takes; a listing sorts the rows of one workspace.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
    pub(super) appended: Notify,
    pub(super) enqueued: Notify,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) links: Links,
    pub(super) clicks: Clicks,
    pub(super) claims: Claims,
    pub(super) outbox: Entries,
    pub(super) credentials: Credentials,
    pub(super) clients: Clients,
    pub(super) members: Members,
    pub(super) grants: Grants,
    pub(super) webhooks: Webhooks,
}

impl MemoryStore {
    /// Begins a transaction.
    ///
    /// A caller's function that panics inside a transaction leaves it half done. From then on the store is away, so
    /// nobody ever sees that half.
    pub(super) fn begin(&self) -> Result<MutexGuard<'_, State>> {
        let away = |_| Error::new(Kind::Unavailable, "A transaction in memory was broken off");
        self.state.lock().map_err(away)
    }

    /// Wakes those who wait for the outbox: all of them now, and the next one who comes, so that an append between
    /// somebody's look and their wait is not slept through.
    pub(super) fn wake(&self) {
        self.appended.notify_waiters();
        self.appended.notify_one();
    }

    /// Wakes those who wait for deliveries, in the same way.
    pub(super) fn wake_dispatchers(&self) {
        self.enqueued.notify_waiters();
        self.enqueued.notify_one();
    }
}

#[async_trait]
impl Probe for MemoryStore {
    fn name(&self) -> &str {
        "memory"
    }

    async fn check(&self) -> Result<()> {
        self.begin().map(drop)
    }
}

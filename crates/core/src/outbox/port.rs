//! The port of the outbox.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::error::Result;
use crate::events::Event;

/// Holds events from the commit of what they tell of until they are on the bus.
///
/// # Contract
/// 1. *Exactly the committed.* An entry is there exactly if the transaction that wrote it was committed.
/// 2. *Leased.* An entry that was claimed is not given to another until its lease ends or it is settled.
/// 3. *Fenced.* A verdict under a token that was superseded changes nothing.
/// 4. *In order.* Entries of one ordering key are claimed in the order of their commits: none while an earlier one of
///    its key waits for a retry, or is claimed by another. One claim may hold several of a key, in order.
/// 5. *Kept until settled.* `Ack` removes the entry, `Retry` gives it back at its time with one more attempt counted,
///    `Dead` sets it aside, where it holds up nobody. `redrive` gives the dead back, with their attempts at zero.
/// 6. *Wake.* `wait` returns soon after an append. It is a hint: it may return early, and a caller bounds it in time.
///
/// # Errors
/// [`Unavailable`](crate::Kind::Unavailable) when the store is away.
#[async_trait]
pub trait Outbox: Debug + Send + Sync {
    /// Adds events in a transaction of their own.
    async fn append(&self, events: &[Event]) -> Result<()>;

    /// Claims up to `limit` entries, until `now + lease`.
    async fn claim(&self, limit: usize, now: Timestamp, lease: Duration) -> Result<Vec<Claimed>>;

    /// Settles claimed entries; says how many of the verdicts still held.
    async fn settle(&self, verdicts: &[Verdict]) -> Result<usize>;

    /// What waits, and since when.
    async fn backlog(&self) -> Result<Backlog>;

    /// The oldest dead entries.
    async fn dead(&self, limit: usize) -> Result<Vec<DeadEntry>>;

    /// Gives up to `limit` of the dead back, oldest first; says how many.
    async fn redrive(&self, limit: usize) -> Result<usize>;

    /// Returns when there may be something to claim. Cancel safe.
    async fn wait(&self);
}

/// An entry under a lease.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    /// The entry's number; grows in the order of commits.
    pub entry: u64,
    /// Proves, on [`Outbox::settle`], that the lease is still held.
    pub token: u64,
    /// How often it was tried before.
    pub attempts: u32,
    /// What is to be told.
    pub event: Event,
}

/// What is to become of a claimed entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The entry's number.
    pub entry: u64,
    /// The token that it was claimed under.
    pub token: u64,
    /// What is to become of it.
    pub ruling: Ruling,
}

/// What is to become of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// It is on the bus: forget it.
    Ack,
    /// Try again, not before this moment.
    Retry(Timestamp),
    /// Set it aside, for this reason.
    Dead(String),
}

/// What waits in an outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Entries that are not settled yet.
    pub waiting: u64,
    /// When the event of the oldest of them was made.
    pub oldest: Option<Timestamp>,
    /// Entries that were set aside.
    pub dead: u64,
}

/// An entry that was set aside.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadEntry {
    /// The entry's number.
    pub entry: u64,
    /// What was to be told.
    pub event: Event,
    /// Why it was set aside.
    pub reason: String,
}

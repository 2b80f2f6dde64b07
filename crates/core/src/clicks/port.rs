//! The port that counts clicks.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Click, ClickId, Counts, Stats, StatsQuery};
use crate::error::Result;
use crate::events::Event;
use crate::ids::{LinkId, WorkspaceId};

/// Keeps clicks and what they add up to, and has it told.
///
/// To count and to tell are apart: batches follow each other as fast as clicks come, on every node, and a link is told a few
/// times a second however many they are. What was counted for a link and not told yet is *owed*.
///
/// # Contract
/// 1. *Once.* Appending a click id a second time, in whatever batch, counts nothing.
/// 2. *Together.* The clicks of a batch, the roll-ups that they change, and what is owed for them commit together or not at
///    all.
/// 3. *From roll-ups.* Totals and statistics never scan clicks: they cost the same after a million as after ten, and
///    outlive the clicks that retention removes.
/// 4. *Adds up.* Counted = human + bot + duplicate, in the total and in every bucket, and each of them is visible.
/// 5. *Exact limits.* `admit` is one atomic statement: a link with `max_clicks` n lets n through, however many race
///    for it. [`Take::Look`] takes nothing.
/// 6. *Walled.* Statistics of a link of another workspace are empty.
/// 7. *Told once.* What is owed is taken by one call of `tell`, whole, however many tell and append at once: what was told of
///    a link and what is owed add up to its total, class by class. A link that was deleted is told all the same.
/// 8. *With its events.* What is taken, and the events that tell of it, commit together or not at all. Of those that tell of
///    one link, the one that commits first is the first in the outbox, and their totals grow.
/// 9. *Paced.* A link that was told at some moment is told again from `every` after it on, and one that was not told for so
///    long is told by the next call. A moment that lies more than `every` ahead was written under a clock that has been set
///    back since, and holds nobody up.
/// 10. *Bounded.* A call tells of `limit` links at most.
///
/// # Errors
/// [`Unavailable`](crate::Kind::Unavailable) when the store is away or full; the same batch may be appended again.
#[async_trait]
pub trait ClickStore: Debug + Send + Sync {
    /// Counts those of the clicks that were not counted before.
    async fn append(&self, clicks: &[Click]) -> Result<Appended>;

    /// Takes what is owed for links whose turn it is, and puts events that tell of it into the outbox.
    ///
    /// As exact as clocks agree: a node whose clock is ahead has a link wait for the others, by as much and `every` at most.
    async fn tell(&self, telling: Telling<'_>) -> Result<Told>;

    /// Decides whether one more follow of a limited link may pass.
    async fn admit(&self, link: LinkId, take: Take) -> Result<Admission>;

    /// What was counted for a link.
    async fn stats(&self, query: &StatsQuery) -> Result<Stats>;

    /// Up to `limit` clicks of a workspace, in the order of their ids, for export.
    async fn list(&self, workspace: WorkspaceId, after: Option<ClickAnchor>, limit: usize) -> Result<Vec<Click>>;

    /// Removes clicks that were made before `before`; roll-ups stay. Says how many it removed: fewer than `limit` means
    /// that no more can be had now.
    ///
    /// `limit` bounds work row by row. A store that keeps clicks by the day may remove a whole day at once, and so more.
    async fn forget(&self, before: Timestamp, limit: usize) -> Result<usize>;
}

/// Which links are to be told, and how.
#[derive(Clone, Copy)]
pub struct Telling<'a> {
    /// What time it is.
    pub now: Timestamp,
    /// How long a link waits from one time that it is told to the next; nothing tells all that is owed.
    pub every: Duration,
    /// How many links are told at most.
    pub limit: usize,
    /// Makes the events that tell of what is owed. The store calls it inside the transaction, if there is anything.
    pub events: &'a (dyn Fn(&[Owed]) -> Vec<Event> + Send + Sync),
}

impl Debug for Telling<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { now, every, limit, .. } = self;
        f.debug_struct("Telling").field("now", now).field("every", every).field("limit", limit).finish_non_exhaustive()
    }
}

impl Telling<'_> {
    /// A link that was told after the first of these moments, and not after the second, must wait.
    pub fn held_up(&self) -> (Timestamp, Timestamp) {
        let since = self.now.saturating_sub(self.every).unwrap_or(Timestamp::MIN);
        (since, self.now.saturating_add(self.every).unwrap_or(Timestamp::MAX))
    }

    /// When a link is told again that was told at `at`.
    pub fn again(&self, at: Timestamp) -> Timestamp {
        at.saturating_add(self.every).unwrap_or(Timestamp::MAX)
    }
}

/// What is owed for a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owed {
    /// The link's workspace.
    pub workspace: WorkspaceId,
    /// The link.
    pub link: LinkId,
    /// What was counted since it was told last.
    pub clicks: Counts,
    /// All that was counted for it, `clicks` included.
    pub total: Counts,
}

/// What a call of [`ClickStore::tell`] came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Links that were told.
    pub links: usize,
    /// When the first of the links that are owed may be told; not after now where some were beyond the limit. A hint: what is
    /// appended meanwhile, here or on other nodes, may be due sooner.
    pub next: Option<Timestamp>,
}

/// What a batch came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Clicks that were counted.
    pub counted: usize,
    /// Clicks that had been counted before.
    pub repeated: usize,
}

/// Where an export goes on: after this click.
pub type ClickAnchor = ClickId;

/// Whether a follow uses a click up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// It does.
    One,
    /// It only looks, as `HEAD` does.
    Look,
}

/// Whether a follow of a limited link may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Admitted,
    /// The limit is used up.
    UsedUp,
    /// The link is gone.
    Gone,
}

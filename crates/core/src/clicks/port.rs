//! The port that counts clicks.

use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Click, ClickId, Stats, StatsQuery, Tallies};
use crate::error::Result;
use crate::events::Event;
use crate::ids::{LinkId, WorkspaceId};

/// Keeps clicks and what they add up to.
///
/// # Contract
/// 1. *Once.* Appending a click id a second time, in whatever batch, counts nothing.
/// 2. *Together.* The clicks of a batch, the roll-ups that they change, and the events that tell of them commit
///    together or not at all.
/// 3. *From roll-ups.* Totals and statistics never scan clicks: they cost the same after a million as after ten, and
///    outlive the clicks that retention removes.
/// 4. *Adds up.* Counted = human + bot + duplicate, in the total and in every bucket, and each of them is visible.
/// 5. *Exact limits.* `admit` is one atomic statement: a link with `max_clicks` n lets n through, however many race
///    for it. [`Take::Look`] takes nothing.
/// 6. *Walled.* Statistics of a link of another workspace are empty.
///
/// # Errors
/// [`Unavailable`](crate::Kind::Unavailable) when the store is away or full; the same batch may be appended again.
#[async_trait]
pub trait ClickStore: Debug + Send + Sync {
    /// Counts the clicks of a batch that were not counted before.
    async fn append(&self, batch: ClickBatch<'_>) -> Result<Appended>;

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

/// Clicks to be counted, and how to tell of them.
#[derive(Clone, Copy)]
pub struct ClickBatch<'a> {
    /// The clicks.
    pub clicks: &'a [Click],
    /// Makes the events that tell of what was newly counted. The store calls it inside the transaction.
    pub events: &'a (dyn Fn(&Tallies) -> Vec<Event> + Send + Sync),
}

impl Debug for ClickBatch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClickBatch").field("clicks", &self.clicks.len()).finish_non_exhaustive()
    }
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

//! The port that keeps links.

use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Domain, Link, LinkAnchor, LinkQuery, Slug, Version};
use crate::error::Result;
use crate::events::Event;
use crate::idempotency::{Answer, Lease};
use crate::ids::{LinkId, WorkspaceId};
use crate::page::Page;

/// Keeps links, and commits with each write what it causes.
///
/// The write is the heart of the platform: a link, the event that tells of it, and the answer that a retry will get
/// are one transaction, so no crash can leave one without the others. That is why the port takes events and the
/// keyed answer along, rather than leaving them to calls of their own.
///
/// # Contract
/// 1. *Unique.* (domain, slug) is unique by constraint; of two that race for it one wins, and the other is refused
///    with [`Refusal::SlugTaken`]. A deleted link frees its slug.
/// 2. *All or nothing.* A change, its event in the outbox, and the keyed answer commit together or not at all. With
///    [`Atomicity::All`] one refused change undoes them all, except that the answer (which then tells of the refusal)
///    is kept.
/// 3. *Conditional.* Update and delete apply to the expected version only, else [`Refusal::Stale`]; a row that is not
///    there, or belongs to another workspace, is [`Refusal::NotFound`].
/// 4. *Fenced.* With a lease that was superseded, nothing changes: [`Written::Superseded`].
/// 5. *Keyset.* `list` runs in the total order of the sort and the id, strictly after the anchor, whether or not the
///    anchor's row is still there. Rows that come and go neither repeat nor hide another row.
/// 6. *Walled.* `get` and `list` see the rows of the asked workspace only. `find` serves the redirect, which has none.
/// 7. *Filtered* as [`LinkFilter::admits`](super::LinkFilter::admits) says.
/// 8. *Told once.* `due` lists links whose `expires_at` has come, oldest first, until a [`Change::Expire`] marks them;
///    an update that moves `expires_at` lets them be told again.
///
/// # Errors
/// [`Unavailable`](crate::Kind::Unavailable) when the store is away or full, [`Timeout`](crate::Kind::Timeout) when it
/// is too slow; after either, the caller does not know whether a write was made, and retries under its key.
///
/// # Implementing
/// A change of a link never touches `admitted` and `clicks`, which belong to [`ClickStore`](crate::clicks::ClickStore).
/// Prove an adapter with [`conformance`](crate::conformance).
#[async_trait]
pub trait LinkStore: Debug + Send + Sync {
    /// The link with this id, in this workspace.
    async fn get(&self, workspace: WorkspaceId, id: LinkId) -> Result<Option<Link>>;

    /// The link under this name, for the redirect.
    async fn find(&self, domain: &Domain, slug: &Slug) -> Result<Option<Link>>;

    /// One page of a workspace's links.
    async fn list(&self, query: &LinkQuery) -> Result<Page<Link, LinkAnchor>>;

    /// Commits changes with what they cause.
    async fn write(&self, write: LinkWrite<'_>) -> Result<Written>;

    /// Up to `limit` links that have expired by `now` and were not told of yet.
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Link>>;
}

/// Changes that commit together with what they cause.
#[derive(Debug)]
pub struct LinkWrite<'a> {
    /// The changes, applied in this order.
    pub changes: Vec<(Change, Option<Event>)>,
    /// What one refused change means for the others.
    pub atomicity: Atomicity,
    /// The answer to keep, for a request that came with an idempotency key.
    pub keyed: Option<Keyed<'a>>,
}

/// One change of one link.
#[derive(Clone, Debug)]
pub enum Change {
    /// A new link.
    Insert(Box<Link>),
    /// The link as it shall be, if it still has the `expected` version.
    Update {
        /// The new state, with a version of its own.
        link: Box<Link>,
        /// The version that the caller saw.
        expected: Version,
    },
    /// The end of a link, if it still has the `expected` version.
    Delete {
        /// The workspace that asks.
        workspace: WorkspaceId,
        /// The link.
        id: LinkId,
        /// The version that the caller saw.
        expected: Version,
    },
    /// A note that the link's expiry has been told; no new version.
    Expire {
        /// The workspace of the link.
        workspace: WorkspaceId,
        /// The link.
        id: LinkId,
        /// The version that was seen to be due.
        expected: Version,
    },
}

/// What one refused change means for the others of its write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Atomicity {
    /// All are undone.
    All,
    /// The others stand.
    Each,
}

/// The answer to a request with an idempotency key: made from what became of the changes, and kept with them.
#[derive(Clone, Copy)]
pub struct Keyed<'a> {
    /// The claim under which the request runs.
    pub lease: &'a Lease,
    /// Until when the answer is kept.
    pub keep_until: Timestamp,
    /// Makes the answer, from an outcome for each change. It may be called more than once; the answer of the outcome that
    /// was committed is kept. `None` keeps nothing and leaves the lease as it is: the caller will try something else
    /// under it.
    pub answer: &'a (dyn Fn(&[Outcome]) -> Option<Answer> + Send + Sync),
}

impl Debug for Keyed<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyed").field("lease", self.lease).finish_non_exhaustive()
    }
}

/// What became of one change.
pub type Outcome = Result<(), Refusal>;

/// Why a change was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Another link has this domain and slug.
    SlugTaken,
    /// The row has another version by now.
    Stale,
    /// There is no such row in this workspace.
    NotFound,
    /// Another change of the same [`Atomicity::All`] was refused, and took this one along.
    Undone,
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// The transaction was committed, with an outcome for each change in order.
    Committed(Vec<Outcome>),
    /// The lease was lost to another claim: nothing was changed.
    Superseded,
}

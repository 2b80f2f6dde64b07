//! The port that keeps claims and answers.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Answer, Fingerprint, IdempotencyKey};
use crate::error::Result;
use crate::ids::WorkspaceId;

/// Keeps who may carry out a keyed request, and the answer that it was given.
///
/// # Contract
/// 1. *One owner.* Of any number of claims for one key, one is granted; the others are [`Claim::Busy`] until it is
///    settled or its lease ends.
/// 2. *Logical expiry.* A lease or an answer is over at its moment, swept or not: what was swept and what merely
///    expired cannot be told apart.
/// 3. *Fenced.* A lease that ended and was granted anew changes nothing any more: [`Settled::Superseded`].
/// 4. *One request a key.* Another fingerprint is [`Claim::Mismatch`], whether the first is running or answered.
/// 5. *Byte for byte.* The answer that is replayed is the answer that was kept: status, headers in order, body.
/// 6. *Released.* A lease that was released is as if never granted.
/// 7. *Walled.* The same key in two workspaces is two keys.
///
/// # Errors
/// [`Unavailable`](crate::Kind::Unavailable) when the store is away.
#[async_trait]
pub trait IdempotencyStore: Debug + Send + Sync {
    /// Asks to carry out a request.
    async fn claim(&self, request: &ClaimRequest) -> Result<Claim>;

    /// Keeps the answer of a request whose effects are not in this store; the effects of those that are carry it along
    /// in their own transaction (see [`LinkStore::write`](crate::links::LinkStore::write)).
    async fn complete(&self, lease: &Lease, answer: &Answer, keep_until: Timestamp) -> Result<Settled>;

    /// Gives the key back: nothing was carried out.
    async fn release(&self, lease: &Lease) -> Result<Settled>;

    /// Removes up to `limit` entries that are over by `now`; says how many.
    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<usize>;
}

/// An idempotency key and the workspace that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScopedKey {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The key.
    pub key: IdempotencyKey,
}

/// Proves that a lease is this claim's. Drawn at random by the claimer, so it never comes again, not even after a
/// sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LeaseToken(pub [u8; 16]);

/// A request to carry out a request.
#[derive(Clone, Debug)]
pub struct ClaimRequest {
    /// Under which key.
    pub key: ScopedKey,
    /// What the request asks for.
    pub fingerprint: Fingerprint,
    /// The token that the lease shall have.
    pub token: LeaseToken,
    /// This moment.
    pub now: Timestamp,
    /// For how long.
    pub lease: Duration,
}

impl ClaimRequest {
    /// The lease that is granted for this request.
    pub fn lease(&self) -> Lease {
        Lease { key: self.key.clone(), token: self.token }
    }
}

/// What became of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Carry it out.
    Granted(Lease),
    /// It was carried out: this is the answer.
    Replay(Answer),
    /// Another carries it out; come back after this time.
    Busy(Duration),
    /// The key stands for another request.
    Mismatch,
}

/// The right to carry out a request, for a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The key.
    pub key: ScopedKey,
    /// The proof.
    pub token: LeaseToken,
}

/// Whether a lease still held when it was settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It held.
    Kept,
    /// It had ended: nothing was changed.
    Superseded,
}

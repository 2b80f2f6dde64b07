//! The port that counts.

use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Decision, Policy};
use crate::error::Result;

/// Decides, for every node that shares it, whether one more is allowed.
///
/// # Contract
/// 1. *Exact.* In any window of the policy no more than its quota is admitted, however many ask at once, on however
///    many nodes.
/// 2. *Honest.* A caller that was denied and waits for `retry_after` is admitted, if nobody else was meanwhile.
/// 3. *Told.* `remaining` is what could be admitted now, `reset` when the full quota is there again.
/// 4. *Apart.* Keys do not touch each other, nor do policies.
/// 5. *All or nothing.* A cost that is denied takes nothing.
///
/// # Errors
/// [`Unavailable`](crate::Kind::Unavailable) when the store is away. What then happens is the policy's choice
/// ([`WhenAway`](super::WhenAway)), made by [`Limits`](super::Limits), not here.
///
/// # Implementing
/// [`Policy::decide`] is the decision as a pure function: an adapter keeps one [`State`](super::State) a key and makes
/// reading, deciding and writing one atomic act.
#[async_trait]
pub trait RateLimiter: Debug + Send + Sync {
    /// Takes `cost` from what `policy` allows `key`, if it is there.
    async fn decide(&self, policy: &Policy, key: &str, cost: u32, now: Timestamp) -> Result<Decision>;
}

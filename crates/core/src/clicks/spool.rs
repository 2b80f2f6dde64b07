//! The port of the spool.

use std::fmt::Debug;

use async_trait::async_trait;

use super::{ClickId, Hit, HitRef};
use crate::error::Result;

/// Holds hits from the redirect until the store has counted them.
///
/// # Contract
/// 1. *Durable first.* When `append` returns, the hit survives the death of the process at any instant.
/// 2. *Kept until released.* Every hit is read until it is released, after a restart too, under the same id.
/// 3. *Whole.* A hit is read as it was written, or, if the process died while writing it, not at all; hits next to it
///    are not harmed.
/// 4. *Bounded.* What is not drained lies on disk, not in memory, up to a bound; beyond it `append` fails.
///
/// # Errors
/// `append` gives [`Unavailable`](crate::Kind::Unavailable) when the disk is full. The caller redirects all the same
/// (§2), and counts the loss where operators see it.
#[async_trait]
pub trait ClickSpool: Debug + Send + Sync {
    /// Makes a hit durable. Not async: it stands on the redirect's path, and is one short write.
    fn append(&self, hit: &HitRef<'_>) -> Result<()>;

    /// Up to `limit` of the oldest hits that were not released yet, with the mark to release them by.
    async fn read(&self, limit: usize) -> Result<Spooled>;

    /// Forgets the hits of a read, which the store has by now.
    async fn release(&self, mark: SpoolMark) -> Result<()>;

    /// How many bytes wait to be drained.
    fn depth(&self) -> u64;
}

/// Hits that were read from a spool.
#[derive(Clone, Debug)]
pub struct Spooled {
    /// The hits, oldest first, each under its id.
    pub hits: Vec<(ClickId, Hit)>,
    /// What to [`release`](ClickSpool::release) once they are counted.
    pub mark: SpoolMark,
}

/// How far a spool was read. Only the spool that made it can read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpoolMark(pub Vec<(u64, u64)>);

//! Carrying a keyed request out once.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{Answer, Claim, ClaimRequest, Fingerprint, IdempotencyKey, IdempotencyStore, Lease, LeaseToken, ScopedKey};
use crate::clock::Clock;
use crate::engine::{Engine, Next};
use crate::entropy::Entropy;
use crate::error::Result;
use crate::ids::WorkspaceId;

/// How long claims and answers last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdempotencyOptions {
    /// How long a request may run before another may take its key over. 30 s: the time that a request is given in all
    /// (§12), so a lease ends only with a request that has died. Shorter where effects are fenced by the lease, as those
    /// of a [`Platform`](crate::Platform) are: see [`FENCED_LEASE`](Self::FENCED_LEASE).
    pub lease: Duration,
    /// How long an answer is kept for replays. 24 h, as clients of payment APIs have come to expect.
    pub keep: Duration,
}

impl IdempotencyOptions {
    /// 6 s, for requests whose effect and answer are one transaction under the lease
    /// ([`Keyed`](crate::links::Keyed)): the keys of a node that died are free within 10 s.
    ///
    /// The claim is made when the body was read, and what then runs is a read or two and one write, each of which is
    /// given up after 5 s ([`Timeout`](crate::layers::Timeout)); in a store that is there they take milliseconds. A
    /// request that takes longer all the same loses its lease only to a retry, and then changes nothing: it is the retry
    /// that is carried out and kept. Where effects are not fenced, a retry would carry them out beside the first.
    pub const FENCED_LEASE: Duration = Duration::from_secs(6);
}

impl Default for IdempotencyOptions {
    fn default() -> Self {
        Self { lease: Duration::from_secs(30), keep: Duration::from_secs(24 * 60 * 60) }
    }
}

/// Claims keys, and settles what was claimed.
///
/// The order is: authenticate, limit, read and validate, *claim*, carry out, keep the answer. What fails before the
/// claim is not kept, so a client can mend it and use its key again.
#[derive(Clone, Debug)]
pub struct Idempotency {
    store: Arc<dyn IdempotencyStore>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    options: IdempotencyOptions,
}

impl Idempotency {
    /// Over `store`.
    pub fn new(
        store: Arc<dyn IdempotencyStore>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        options: IdempotencyOptions,
    ) -> Self {
        Self { store, clock, entropy, options }
    }

    /// Asks to carry out the request with this key and fingerprint.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn claim(&self, workspace: WorkspaceId, key: IdempotencyKey, fingerprint: Fingerprint) -> Result<Claim> {
        self.claim_for(self.options.lease, workspace, key, fingerprint).await
    }

    /// The same, for an effect that is written on its own, and its answer after it: under the long lease, whatever the
    /// options say, so that no retry carries it out beside the first. One whose server died in between is carried out again.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn claim_apart(
        &self,
        workspace: WorkspaceId,
        key: IdempotencyKey,
        fingerprint: Fingerprint,
    ) -> Result<Claim> {
        let lease = self.options.lease.max(IdempotencyOptions::default().lease);
        self.claim_for(lease, workspace, key, fingerprint).await
    }

    async fn claim_for(
        &self,
        lease: Duration,
        workspace: WorkspaceId,
        key: IdempotencyKey,
        fingerprint: Fingerprint,
    ) -> Result<Claim> {
        let mut token = [0; 16];
        self.entropy.fill(&mut token);
        let key = ScopedKey { workspace, key };
        let request = ClaimRequest { key, fingerprint, token: LeaseToken(token), now: self.clock.now(), lease };
        self.store.claim(&request).await
    }

    /// Until when an answer of this moment is kept.
    pub fn keep_until(&self) -> Timestamp {
        self.clock.now() + self.options.keep
    }

    /// Keeps the answer of a request whose effects have a store of their own.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn complete(&self, lease: &Lease, answer: &Answer) -> Result<()> {
        self.store.complete(lease, answer, self.keep_until()).await.map(drop)
    }

    /// Gives the key back, for a request that came to nothing. A failure here is only logged: the lease ends by itself.
    pub async fn release(&self, lease: &Lease) {
        if let Err(error) = self.store.release(lease).await {
            tracing::warn!(error = ?error, "an idempotency key was not released; its lease will end by itself");
        }
    }

    /// The engine that removes what is over.
    pub fn sweeper(&self) -> Sweeper {
        Sweeper { store: self.store.clone() }
    }
}

/// Removes claims and answers that are over, a thousand at a time.
#[derive(Debug)]
pub struct Sweeper {
    store: Arc<dyn IdempotencyStore>,
}

#[async_trait::async_trait]
impl Engine for Sweeper {
    fn name(&self) -> &'static str {
        "idempotency_sweeper"
    }

    async fn step(&mut self, now: Timestamp) -> Result<Next> {
        const BATCH: usize = 1_000;
        let swept = self.store.sweep(now, BATCH).await?;
        Ok(if swept == BATCH { Next::Now } else { Next::At(now + Duration::from_secs(60)) })
    }
}

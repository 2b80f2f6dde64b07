//! Claims and answers in memory.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use waypost_core::Result;
use waypost_core::idempotency::{
    Answer, Claim, ClaimRequest, Fingerprint, IdempotencyStore, Lease, LeaseToken, ScopedKey, Settled,
};

use super::MemoryStore;

/// What each key stands for.
#[derive(Debug, Default)]
pub(super) struct Claims(HashMap<ScopedKey, Entry>);

#[derive(Debug)]
struct Entry {
    fingerprint: Fingerprint,
    token: LeaseToken,
    /// There once the request was carried out.
    answer: Option<Answer>,
    /// When the lease ends, or the answer is forgotten. From then on the entry is as good as gone.
    until: Timestamp,
}

impl Claims {
    fn claim(&mut self, request: &ClaimRequest) -> Claim {
        match self.0.get(&request.key).filter(|entry| entry.until > request.now) {
            Some(entry) if entry.fingerprint != request.fingerprint => Claim::Mismatch,
            Some(Entry { answer: Some(answer), .. }) => Claim::Replay(answer.clone()),
            Some(entry) => {
                let wait = entry.until.duration_since(request.now);
                Claim::Busy(Duration::try_from(wait).unwrap_or_default())
            }
            None => {
                let entry = Entry {
                    fingerprint: request.fingerprint,
                    token: request.token,
                    answer: None,
                    until: request.now + request.lease,
                };
                self.0.insert(request.key.clone(), entry);
                Claim::Granted(request.lease())
            }
        }
    }

    /// Whether the lease was neither settled nor lost to another claim.
    pub(super) fn holds(&self, lease: &Lease) -> bool {
        self.0.get(&lease.key).is_some_and(|entry| entry.token == lease.token && entry.answer.is_none())
    }

    /// Keeps the answer, if the lease still holds.
    pub(super) fn complete(&mut self, lease: &Lease, answer: Answer, keep_until: Timestamp) -> Settled {
        if !self.holds(lease) {
            return Settled::Superseded;
        }
        if let Some(entry) = self.0.get_mut(&lease.key) {
            entry.answer = Some(answer);
            entry.until = keep_until;
        }
        Settled::Kept
    }
}

#[async_trait]
impl IdempotencyStore for MemoryStore {
    async fn claim(&self, request: &ClaimRequest) -> Result<Claim> {
        Ok(self.begin()?.claims.claim(request))
    }

    async fn complete(&self, lease: &Lease, answer: &Answer, keep_until: Timestamp) -> Result<Settled> {
        Ok(self.begin()?.claims.complete(lease, answer.clone(), keep_until))
    }

    async fn release(&self, lease: &Lease) -> Result<Settled> {
        let mut state = self.begin()?;
        if !state.claims.holds(lease) {
            return Ok(Settled::Superseded);
        }
        state.claims.0.remove(&lease.key);
        Ok(Settled::Kept)
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<usize> {
        let mut state = self.begin()?;
        let over = state.claims.0.extract_if(|_, entry| entry.until <= now);
        Ok(over.take(limit).count())
    }
}

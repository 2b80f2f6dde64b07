//! The store of claims and answers, inside a layer.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Call, Layer, Layered, Repeat};
use crate::error::Result;
use crate::idempotency::{Answer, Claim, ClaimRequest, IdempotencyStore, Lease, Settled};

const fn call(name: &'static str, repeat: Repeat) -> Call {
    Call { port: "idempotency", name, repeat }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<L: Layer> IdempotencyStore for Layered<dyn IdempotencyStore, L> {
    // A claim that was granted would find itself in its way.
    async fn claim(&self, request: &ClaimRequest) -> Result<Claim> {
        self.layer.around(call("claim", Repeat::Never), || self.inner.claim(request)).await
    }

    // Once settled, a lease answers that it was superseded, though it was not.
    async fn complete(&self, lease: &Lease, answer: &Answer, keep_until: Timestamp) -> Result<Settled> {
        self.layer.around(call("complete", Repeat::Never), || self.inner.complete(lease, answer, keep_until)).await
    }

    // As `complete`.
    async fn release(&self, lease: &Lease) -> Result<Settled> {
        self.layer.around(call("release", Repeat::Never), || self.inner.release(lease)).await
    }

    // Removes more of what is over, and nothing else.
    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<usize> {
        self.layer.around(call("sweep", Repeat::Safe), || self.inner.sweep(now, limit)).await
    }
}

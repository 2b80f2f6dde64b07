//! The rate limiter, inside a layer.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Call, Layer, Layered, Repeat};
use crate::error::Result;
use crate::limits::{Decision, Policy, RateLimiter};

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<L: Layer> RateLimiter for Layered<dyn RateLimiter, L> {
    // Takes the cost twice.
    async fn decide(&self, policy: &Policy, key: &str, cost: u32, now: Timestamp) -> Result<Decision> {
        let call = Call { port: "limits", name: "decide", repeat: Repeat::Never };
        self.layer.around(call, || self.inner.decide(policy, key, cost, now)).await
    }
}

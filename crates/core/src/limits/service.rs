//! Asking several policies at once, and going on when the store that counts is away.

use std::sync::Arc;

use super::{Decision, Policy, RateLimiter, Standing, WhenAway};
use crate::clock::Clock;

/// Asks the limiter, and makes the policy's own choice when it is away.
#[derive(Clone, Debug)]
pub struct Limits {
    limiter: Arc<dyn RateLimiter>,
    local: Arc<dyn RateLimiter>,
    clock: Arc<dyn Clock>,
}

impl Limits {
    /// Asks `limiter`, and while it is away `local`, which counts for this node alone.
    pub fn new(limiter: Arc<dyn RateLimiter>, local: Arc<dyn RateLimiter>, clock: Arc<dyn Clock>) -> Self {
        Self { limiter, local, clock }
    }

    /// Takes `cost` under `policy` for `key`. Never fails: a limit must not be what brings a platform down.
    pub async fn take(&self, policy: &Policy, key: &str, cost: u32) -> Decision {
        let now = self.clock.now();
        let error = match self.limiter.decide(policy, key, cost, now).await {
            Ok(decision) => return decision,
            Err(error) => error,
        };
        metrics::counter!("waypost_limiter_away_total", "policy" => policy.name().to_owned()).increment(1);
        tracing::warn!(policy = policy.name(), error = ?error, "the rate limiter is away");
        let standing = |remaining| Standing { limit: policy.quota(), remaining, reset: policy.window() };
        match policy.choice_when_away() {
            WhenAway::Admit => Decision::Allow(standing(policy.quota())),
            WhenAway::Deny => Decision::Deny { standing: standing(0), retry_after: policy.window() },
            WhenAway::CountLocally => match self.local.decide(policy, key, cost, now).await {
                Ok(decision) => decision,
                Err(_) => Decision::Allow(standing(policy.quota())),
            },
        }
    }
}

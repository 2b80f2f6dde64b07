//! Asking several policies at once, and going on when the store that counts is away.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;

use super::{API, Decision, Plans, Policy, RateLimiter, Standing, WORKSPACE, WhenAway};
use crate::clock::Clock;
use crate::credentials::Principal;

/// How long a limiter that failed is left alone: one call finds out that it is back, and the others do not wait for it.
const LEFT_ALONE: Duration = Duration::from_secs(1);

/// Asks the limiter, and makes the policy's own choice when it is away.
#[derive(Clone, Debug)]
pub struct Limits {
    limiter: Arc<dyn RateLimiter>,
    local: Arc<dyn RateLimiter>,
    plans: Arc<Plans>,
    clock: Arc<dyn Clock>,
    /// Until when the limiter is left alone, in microseconds since the Unix epoch.
    away_until: Arc<AtomicI64>,
}

impl Limits {
    /// Asks `limiter`, and while it is away `local`, which counts for this node alone.
    pub fn new(
        limiter: Arc<dyn RateLimiter>,
        local: Arc<dyn RateLimiter>,
        plans: Plans,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { limiter, local, plans: Arc::new(plans), clock, away_until: Arc::default() }
    }

    /// The plans.
    pub fn plans(&self) -> &Plans {
        &self.plans
    }

    /// Takes one of everything that a request of `who` is counted by: what they may ask in all, what their workspace may,
    /// and the policy `named` where what they ask for has one of its own. All are asked at once and each takes its own,
    /// so a request that one of them refuses has still been asked, and counts with the others.
    pub async fn take_all<'a>(&'a self, who: &Principal, named: Option<&str>) -> Vec<(&'a Policy, Decision)> {
        let (actor, plan) = (who.actor.to_string(), who.plan.as_ref());
        let policy = |name| self.plans.policy(plan, name);
        if let (Some(only), None, None) = (policy(API), policy(WORKSPACE), named) {
            return vec![(only, self.take(only, &actor, 1).await)];
        }
        let workspace = who.workspace.to_string();
        let counted = [(Some(API), &actor), (Some(WORKSPACE), &workspace), (named, &actor)];
        let counted = counted.into_iter().filter_map(|(name, key)| Some((policy(name?)?, key)));
        join_all(counted.map(|(policy, key)| async move { (policy, self.take(policy, key, 1).await) })).await
    }

    /// Takes `cost` under `policy` for `key`. Never fails: a limit must not be what brings a platform down.
    pub async fn take(&self, policy: &Policy, key: &str, cost: u32) -> Decision {
        let now = self.clock.now();
        if self.is_worth_asking(now) {
            match self.limiter.decide(policy, key, cost, now).await {
                Ok(decision) => {
                    if self.away_until.swap(0, Ordering::Relaxed) != 0 {
                        tracing::info!("the rate limiter is back");
                    }
                    return decision;
                }
                Err(error) => {
                    let again = self.clock.now().as_microsecond() + LEFT_ALONE.as_micros() as i64;
                    if self.away_until.swap(again, Ordering::Relaxed) == 0 {
                        tracing::warn!(policy = policy.name(), error = ?error, "the rate limiter is away");
                    }
                }
            }
        }
        metrics::counter!("waypost_limiter_away_total", "policy" => policy.name().to_owned()).increment(1);
        let standing = |remaining| Standing { limit: policy.quota(), remaining, reset: policy.window() };
        match policy.choice_when_away() {
            WhenAway::Admit => Decision::Allow(standing(policy.quota())),
            WhenAway::Deny => Decision::Deny { standing: standing(0), retry_after: policy.window() },
            WhenAway::CountLocally => self.take_here(policy, key, cost).await,
        }
    }

    /// Takes `cost` on this node alone: for what must be answered without a question to anybody.
    pub async fn take_here(&self, policy: &Policy, key: &str, cost: u32) -> Decision {
        let standing = Standing { limit: policy.quota(), remaining: policy.quota(), reset: policy.window() };
        self.local.decide(policy, key, cost, self.clock.now()).await.unwrap_or(Decision::Allow(standing))
    }

    /// Whether the limiter is there, as far as we know; of those who come when it may be back, one finds out.
    fn is_worth_asking(&self, now: Timestamp) -> bool {
        let until = self.away_until.load(Ordering::Relaxed);
        if until == 0 {
            return true;
        }
        let (now, next) = (now.as_microsecond(), now.as_microsecond() + LEFT_ALONE.as_micros() as i64);
        until <= now && self.away_until.compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU32};

    use async_trait::async_trait;

    use super::*;
    use crate::clock::ManualClock;
    use crate::error::{Error, Kind, Result};
    use crate::limits::Algorithm;

    #[derive(Debug, Default)]
    struct Flaky {
        away: AtomicBool,
        asked: AtomicU32,
    }

    #[async_trait]
    impl RateLimiter for Flaky {
        async fn decide(&self, policy: &Policy, _: &str, _: u32, _: Timestamp) -> Result<Decision> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if self.away.load(Ordering::SeqCst) {
                return Err(Error::new(Kind::Unavailable, "away"));
            }
            Ok(Decision::Allow(Standing { limit: policy.quota(), remaining: 7, reset: policy.window() }))
        }
    }

    #[tokio::test]
    async fn a_limiter_that_failed_is_left_alone_for_a_second() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let (shared, local) = (Arc::new(Flaky::default()), Arc::new(Flaky::default()));
        let limits = Limits::new(shared.clone(), local.clone(), Plans::default(), Arc::new(clock.clone()));
        let policy = Policy::new("api", Algorithm::TokenBucket, 10, Duration::from_secs(60)).expect("a policy");
        shared.away.store(true, Ordering::SeqCst);
        for _ in 0..5 {
            assert!(limits.take(&policy, "key", 1).await.is_allowed());
        }
        let asked = || (shared.asked.load(Ordering::SeqCst), local.asked.load(Ordering::SeqCst));
        assert_eq!(asked(), (1, 5), "one found out, and each was counted here");
        clock.advance(LEFT_ALONE);
        shared.away.store(false, Ordering::SeqCst);
        for _ in 0..3 {
            limits.take(&policy, "key", 1).await;
        }
        assert_eq!(asked(), (4, 5), "it is back");
    }
}

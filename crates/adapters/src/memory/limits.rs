//! Rate limits in memory: exact within this process.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Mutex;

use async_trait::async_trait;
use jiff::Timestamp;
use waypost_core::limits::{Decision, Policy, RateLimiter, State};
use waypost_core::{Error, Kind, Result};

/// Shards keep callers with different keys out of each other's way; 64 are many more than a machine has cores.
const SHARDS: usize = 64;
/// Below this many keys a shard is not looked through for states that are over.
const FEW: usize = 1_024;

/// Counts for the nodes that share this value, that is, for one process.
///
/// A key whose full quota is there again is forgotten, so memory is bounded by the keys that asked within a window.
#[derive(Debug)]
pub struct MemoryRateLimiter {
    hasher: RandomState,
    shards: Box<[Mutex<Shard>]>,
}

#[derive(Debug, Default)]
struct Shard {
    /// By policy and key.
    kept: HashMap<(Box<str>, Box<str>), Kept>,
    /// At how many keys to look for those that are over: twice those that the last look left, so a look costs each
    /// insert a constant on average.
    look_at: usize,
}

#[derive(Debug)]
struct Kept {
    state: State,
    /// When the full quota is there again; from then on no state says the same.
    over_at: Timestamp,
}

impl Default for MemoryRateLimiter {
    fn default() -> Self {
        Self { hasher: RandomState::new(), shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }
}

impl MemoryRateLimiter {
    /// How many keys are remembered.
    pub fn remembered(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().map_or(0, |shard| shard.kept.len())).sum()
    }
}

impl Shard {
    fn decide(&mut self, policy: &Policy, key: &str, cost: u32, now: Timestamp) -> Decision {
        if self.kept.len() >= self.look_at.max(FEW) {
            self.kept.retain(|_, kept| kept.over_at > now);
            self.look_at = self.kept.len() * 2;
        }
        let place = (Box::from(policy.name()), Box::from(key));
        let before = self.kept.get(&place).map(|kept| &kept.state);
        let (state, decision) = policy.decide(before, cost, now);
        let reset = decision.standing().reset;
        if reset.is_zero() {
            self.kept.remove(&place);
        } else {
            let over_at = now.saturating_add(reset).unwrap_or(Timestamp::MAX);
            self.kept.insert(place, Kept { state, over_at });
        }
        decision
    }
}

#[async_trait]
impl RateLimiter for MemoryRateLimiter {
    async fn decide(&self, policy: &Policy, key: &str, cost: u32, now: Timestamp) -> Result<Decision> {
        let hash = self.hasher.hash_one((policy.name(), key));
        let shard = &self.shards[(hash % SHARDS as u64) as usize];
        let away = |_| Error::new(Kind::Unavailable, "A decision in memory was broken off");
        Ok(shard.lock().map_err(away)?.decide(policy, key, cost, now))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use waypost_core::limits::Algorithm;

    use super::*;

    #[tokio::test]
    async fn keys_whose_quota_is_full_again_are_forgotten() {
        let limiter = MemoryRateLimiter::default();
        let policy = Policy::new("test", Algorithm::SlidingWindow, 10, Duration::from_secs(60)).unwrap();
        let beginning = Timestamp::from_second(1_800_000_000).unwrap();
        for n in 0..400_000_u32 {
            let now = beginning + Duration::from_millis(u64::from(n));
            limiter.decide(&policy, &n.to_string(), 1, now).await.unwrap();
        }
        // Some 64,000 keys asked within the last window and a slice.
        assert!(limiter.remembered() < 3 * SHARDS * FEW, "{} keys", limiter.remembered());
    }
}

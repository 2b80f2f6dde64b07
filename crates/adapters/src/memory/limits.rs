//! Rate limits in memory: exact within this process.

use std::hash::BuildHasher;
use std::sync::Mutex;

use async_trait::async_trait;
use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};
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
    /// Seeded anew in each process, and several times as fast as what std has.
    hasher: DefaultHashBuilder,
    shards: Box<[Mutex<Shard>]>,
}

#[derive(Debug, Default)]
struct Shard {
    /// By policy and key. A table and not a map, so that one that is there is found without a copy of either.
    kept: HashTable<Kept>,
    /// At how many keys to look for those that are over: twice those that the last look left, so a look costs each
    /// insert a constant on average.
    look_at: usize,
}

#[derive(Debug)]
struct Kept {
    hash: u64,
    /// The policy's name, then the key: in one piece, since a look-up waits for memory more than for anything else.
    place: Box<str>,
    state: State,
    /// When the full quota is there again, in nanoseconds since the Unix epoch; from then on no state says the same.
    over_at: i64,
}

impl Default for MemoryRateLimiter {
    fn default() -> Self {
        Self { hasher: DefaultHashBuilder::default(), shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }
}

impl MemoryRateLimiter {
    /// How many keys are remembered.
    pub fn remembered(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().map_or(0, |shard| shard.kept.len())).sum()
    }
}

impl Shard {
    fn decide(&mut self, hash: u64, policy: &Policy, key: &str, cost: u32, now: Timestamp) -> Decision {
        if self.kept.len() >= self.look_at.max(FEW) {
            let now = nanos(now);
            self.kept.retain(|kept| kept.over_at > now);
            self.look_at = self.kept.len() * 2;
        }
        let same = |kept: &Kept| {
            let rest = kept.place.strip_prefix(policy.name()).and_then(|rest| rest.strip_prefix(' '));
            rest == Some(key)
        };
        match self.kept.entry(hash, same, |kept| kept.hash) {
            Entry::Occupied(mut there) => {
                let kept = there.get_mut();
                let (state, decision) = policy.decide(Some(&kept.state), cost, now);
                match over_at(&decision, now) {
                    Some(over_at) => (kept.state, kept.over_at) = (state, over_at),
                    None => drop(there.remove()),
                }
                decision
            }
            Entry::Vacant(place) => {
                let (state, decision) = policy.decide(None, cost, now);
                if let Some(over_at) = over_at(&decision, now) {
                    // No policy's name has a blank in it, so no two places are written the same way.
                    let name = [policy.name(), " ", key].concat().into();
                    place.insert(Kept { hash, place: name, state, over_at });
                }
                decision
            }
        }
    }
}

/// Until when the state after a decision says more than none; `None` if it says no more now.
fn over_at(decision: &Decision, now: Timestamp) -> Option<i64> {
    let reset = decision.standing().reset;
    let reset = i64::try_from(reset.as_nanos()).unwrap_or(i64::MAX);
    (reset > 0).then(|| nanos(now).saturating_add(reset))
}

fn nanos(at: Timestamp) -> i64 {
    at.as_second().saturating_mul(1_000_000_000).saturating_add(i64::from(at.subsec_nanosecond()))
}

#[async_trait]
impl RateLimiter for MemoryRateLimiter {
    async fn decide(&self, policy: &Policy, key: &str, cost: u32, now: Timestamp) -> Result<Decision> {
        let hash = self.hasher.hash_one((policy.name(), key));
        // The table takes its places from the low and the high bits: the shard from those in between.
        let shard = &self.shards[(hash >> 32) as usize % SHARDS];
        let away = |_| Error::new(Kind::Unavailable, "A decision in memory was broken off");
        Ok(shard.lock().map_err(away)?.decide(hash, policy, key, cost, now))
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

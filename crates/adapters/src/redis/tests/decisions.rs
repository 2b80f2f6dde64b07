//! The script decides as the pure function does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use tokio::runtime::Runtime;
use waypost_core::clock::SystemClock;
use waypost_core::limits::{Algorithm, Decision, Policy, RateLimiter};

use super::space::Space;
use crate::redis::{Redis, RedisOptions, RedisRateLimiter};

const ALL: [Algorithm; 3] = [Algorithm::TokenBucket, Algorithm::SlidingWindow, Algorithm::FixedWindow];

/// Waits are told in whole microseconds.
fn rounded_up(wait: Duration) -> Duration {
    Duration::from_micros(u64::try_from(wait.as_nanos().div_ceil(1_000)).expect("a wait of some months"))
}

fn expected(decision: Decision) -> Decision {
    let mut standing = decision.standing();
    standing.reset = rounded_up(standing.reset);
    match decision {
        Decision::Allow(_) => Decision::Allow(standing),
        Decision::Deny { retry_after, .. } => Decision::Deny { standing, retry_after: rounded_up(retry_after) },
    }
}

/// Quotas and windows of every size, with the ones that do not divide and the largest.
fn policies() -> impl Strategy<Value = (u32, u64)> {
    let quota = prop_oneof![1u32..20, Just(7_919), Just(999_999_937), Just(1_000_000_000)];
    let window = prop_oneof![1u64..4, Just(61), Just(2_678_400)];
    (quota, window)
}

/// Pauses of every size, most of them about as long as a share of the window, and costs in shares of the quota.
fn asks() -> impl Strategy<Value = Vec<(u64, u64, u8)>> {
    let pause = prop_oneof![Just(0u64), 1u64..2_000, 1u64..300_000, Just(62_500), 1u64..40_000_000];
    prop::collection::vec((pause, 0u64..64, 0u8..12), 1..40)
}

#[test]
fn decisions_are_those_of_the_policy() {
    let runtime = Runtime::new().expect("a runtime");
    let space = Space::fresh();
    let options = RedisOptions { prefix: space.prefix.clone(), ..RedisOptions::new(&space.url) };
    let redis = runtime.block_on(Redis::open(options)).expect("the shared server");
    let limiter = RedisRateLimiter::new(&redis, Arc::new(SystemClock));
    let config = ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() };
    let cases = AtomicU32::new(0);
    proptest!(config, |((quota, window) in policies(), asks in asks(), begin in 0i64..4_000_000_000_000_000)| {
        for algorithm in ALL {
            let key = format!("case-{}", cases.fetch_add(1, Ordering::Relaxed));
            let policy = Policy::new("drawn", algorithm, quota, Duration::from_secs(window)).expect("a policy");
            let (mut state, mut now) = (None, begin);
            for (pause, share, extra) in &asks {
                // A pause is scaled to the window, so that long windows move as well.
                now += i64::try_from(pause * (1 + window / 60)).expect("some months");
                let cost = u32::try_from(u64::from(quota) * share / 48).expect("a cost") + u32::from(*extra);
                let at = Timestamp::from_microsecond(now).expect("a moment");
                let (next, decision) = policy.decide(state.as_ref(), cost, at);
                state = Some(next);
                let found = runtime.block_on(limiter.decide(&policy, &key, cost, at)).expect("a decision");
                prop_assert_eq!(found, expected(decision), "{:?} at {}", policy, now);
            }
        }
    });
}

#[tokio::test]
async fn who_is_behind_is_decided_on_at_the_keys_own_moment() {
    let space = Space::fresh();
    let options = RedisOptions { prefix: space.prefix.clone(), ..RedisOptions::new(&space.url) };
    let limiter = RedisRateLimiter::new(&Redis::open(options).await.expect("the shared server"), Arc::new(SystemClock));
    let policy = Policy::new("behind", Algorithm::TokenBucket, 4, Duration::from_secs(40)).expect("a policy");
    let at = |seconds: i64| Timestamp::from_second(1_793_577_600 + seconds).expect("a moment");
    for _ in 0..3 {
        assert!(limiter.decide(&policy, "key", 1, at(100)).await.expect("a decision").is_allowed());
    }
    let last = limiter.decide(&policy, "key", 1, at(90)).await.expect("a decision");
    assert!(last.is_allowed(), "the fourth of four");
    let denied = limiter.decide(&policy, "key", 1, at(90)).await.expect("a decision");
    let Decision::Deny { retry_after, .. } = denied else { panic!("a fifth of four: {denied:?}") };
    assert_eq!(retry_after, Duration::from_secs(20), "ten seconds behind, and ten for a token");
    assert!(limiter.decide(&policy, "key", 1, at(90) + retry_after).await.expect("a decision").is_allowed());
}

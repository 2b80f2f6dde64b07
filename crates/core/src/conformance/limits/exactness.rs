//! Clause 1: never more than the policy allows.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::{ALL, Limiter, decided, policy};
use crate::conformance::fixtures::at;
use crate::conformance::race;
use crate::entropy::{Entropy, SeededEntropy};
use crate::limits::{Algorithm, Decision, State};

/// Clause 1: eight tasks, 320 asks, a hundred admitted.
pub async fn of_many_who_ask_at_once_the_quota_is_admitted(limiter: Limiter) {
    for algorithm in ALL {
        let policy = policy(algorithm, 100, 60);
        let tasks = (0..8).map(|_| {
            let (limiter, policy) = (Arc::clone(&limiter), policy.clone());
            async move {
                let mut admitted = 0;
                for _ in 0..40 {
                    admitted += u32::from(decided(&limiter, &policy, "raced", 1, at(30)).await.is_allowed());
                    tokio::task::yield_now().await;
                }
                admitted
            }
        });
        let admitted = race(tasks).await.into_iter().sum::<u32>();
        assert_eq!(admitted, 100, "{algorithm:?}");
    }
}

/// Clause 1: costs of three do not fit a quota of a hundred; the last one is free for a cost of one.
pub async fn costs_that_race_never_exceed_the_quota(limiter: Limiter) {
    for algorithm in ALL {
        let policy = policy(algorithm, 100, 60);
        let asks = (0..80).map(|_| {
            let (limiter, policy) = (Arc::clone(&limiter), policy.clone());
            async move { decided(&limiter, &policy, "costly", 3, at(30)).await.is_allowed() }
        });
        let admitted = race(asks).await.into_iter().filter(|allowed| *allowed).count();
        assert_eq!(admitted, 33, "{algorithm:?}");
        assert!(decided(&limiter, &policy, "costly", 1, at(30)).await.is_allowed());
        assert!(!decided(&limiter, &policy, "costly", 1, at(30)).await.is_allowed());
    }
}

/// Clause 1, seen from the other side: a limiter that admits nobody is no limiter.
pub async fn the_quota_comes_back_with_time(limiter: Limiter) {
    for algorithm in ALL {
        let policy = policy(algorithm, 5, 60);
        for round in 0..3 {
            let now = at(30 + round * 120);
            let mut admitted = 0;
            for _ in 0..8 {
                admitted += u32::from(decided(&limiter, &policy, "again", 1, now).await.is_allowed());
            }
            assert_eq!(admitted, 5, "{algorithm:?} in round {round}");
        }
    }
}

/// Under *Implementing*: [`Policy::decide`](crate::limits::Policy::decide) is the decision. A wait may be told a
/// millisecond longer, for stores that keep no finer time; it is never told shorter.
pub async fn decisions_agree_with_the_policy(limiter: Limiter) {
    let entropy = SeededEntropy::new(11);
    for algorithm in ALL {
        let policy = policy(algorithm, 10, 16);
        let (mut states, mut now) = (HashMap::<u8, State>::new(), at(1_000));
        for _ in 0..400 {
            let mut drawn = [0; 4];
            entropy.fill(&mut drawn);
            now += Duration::from_millis(u64::from(drawn[0]) * 8);
            let (key, cost) = (drawn[1] % 2, u32::from(drawn[2] % 3 + 1));
            let (state, expected) = policy.decide(states.get(&key), cost, now);
            states.insert(key, state);
            let found = decided(&limiter, &policy, &format!("model-{key}"), cost, now).await;
            assert_eq!(found.is_allowed(), expected.is_allowed(), "{algorithm:?}: {found:?} for {expected:?}");
            let (told, meant) = (found.standing(), expected.standing());
            assert_eq!((told.limit, told.remaining), (meant.limit, meant.remaining), "{algorithm:?}");
            assert_not_shorter(told.reset, meant.reset);
            if let (Decision::Deny { retry_after: told, .. }, Decision::Deny { retry_after: meant, .. }) =
                (found, expected)
            {
                assert_not_shorter(told, meant);
            }
        }
    }
}

fn assert_not_shorter(told: Duration, meant: Duration) {
    assert!(told >= meant && told <= meant + Duration::from_millis(1), "told {told:?}, meant {meant:?}");
}

/// Clause 1: no double burst around any edge.
pub async fn a_sliding_window_holds_wherever_it_begins(limiter: Limiter) {
    let policy = policy(Algorithm::SlidingWindow, 10, 16);
    let mut admitted = Vec::new();
    for half in 0..240 {
        let now = at(1_000) + Duration::from_millis(half * 500);
        for _ in 0..3 {
            if decided(&limiter, &policy, "edges", 1, now).await.is_allowed() {
                admitted.push(now);
            }
        }
    }
    for first in &admitted {
        let within = admitted.iter().filter(|at| *at >= first && **at < *first + policy.window()).count();
        assert!(within <= 10, "{within} within a window from {first} on");
    }
    assert!(admitted.len() > 50, "and yet the quota comes back: {}", admitted.len());
}

/// Clause 1: nodes whose clocks differ share one quota.
pub async fn a_clock_that_goes_back_gives_nothing(limiter: Limiter) {
    for algorithm in ALL {
        let policy = policy(algorithm, 4, 60);
        let mut admitted = 0;
        for now in [90, 85, 91, 80, 70, 89, 90, 80] {
            admitted += u32::from(decided(&limiter, &policy, "skewed", 1, at(now)).await.is_allowed());
        }
        assert!((1..=4).contains(&admitted), "{algorithm:?} admitted {admitted}");
    }
}
